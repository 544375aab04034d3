"""Shows and edits users and settings, and shows the audit."""

from typing import Any

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.auth.factors.enrollment import reset_factors
from admin.auth.factors.policy import is_required, users_with_factors
from admin.auth.phone_links import create_link_code, unlink_phone
from admin.auth.session_list import count_sessions
from admin.auth.sessions import end_all_sessions
from admin.auth.sso.identities import linked_users, unlink_account
from admin.auth.users import add_user, change_role, reset_password, set_active
from admin.operations.settings import SHOWN, change_setting
from admin.panel.base import PAGE_ROWS, PanelView, action, back, page, positive, sentence
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import Audit
from models.tables.setting import KNOWN, read_setting
from models.tables.user import Role, User


class UserView(PanelView):
    """Pages of users."""

    icon = "users"
    needs = Role.ADMIN

    @page("/", Role.ADMIN)
    def index(self) -> ResponseReturnValue:
        """Every user."""
        return self._page()

    @action("/add", Role.ADMIN)
    def add(self) -> ResponseReturnValue:
        """Add a user; the one-time password is shown once, on this page."""
        email, role = request.form.get("email", ""), request.form.get("role", "")
        try:
            added = add_user(self.rt, email, role, None, self.me.email)
        except OperatorError as error:
            return self._page(error=sentence(error), email=email, role=role), 400
        return self._page(one_time=(added.email, added.password))

    @action("/<int:user_id>/role", Role.ADMIN)
    def role(self, user_id: int) -> ResponseReturnValue:
        """Change a user's role."""
        role, here = request.form.get("role", ""), self.session.id
        self.attempt("Saved.", lambda: change_role(self.rt, user_id, role, self.me.email, keep=here))
        return back(".index")

    @action("/<int:user_id>/reset", Role.ADMIN)
    def reset(self, user_id: int) -> ResponseReturnValue:
        """Set a new one-time password, which is shown once, on this page."""
        try:
            password = reset_password(self.rt, user_id, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")
        with self.rt.database.read() as session:
            email = session.get_one(User, user_id).email
        return self._page(one_time=(email, password))

    @action("/<int:user_id>/active", Role.ADMIN)
    def active(self, user_id: int) -> ResponseReturnValue:
        """Activate or deactivate a user."""
        is_active = request.form.get("on") == "1"
        done = "They can sign in again." if is_active else "They are signed out and cannot sign in."
        self.attempt(done, lambda: set_active(self.rt, user_id, is_active, self.me.email))
        return back(".index")

    @action("/<int:user_id>/link-code", Role.ADMIN)
    def link_code(self, user_id: int) -> ResponseReturnValue:
        """Make a code by which the user links their phone; it is shown once, on this page."""
        try:
            return self._page(code=create_link_code(self.rt, user_id, self.me.email))
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")

    @action("/<int:user_id>/unlink", Role.ADMIN)
    def unlink(self, user_id: int) -> ResponseReturnValue:
        """Take the phone from a user."""
        done = "Their phone gives no more commands."
        self.attempt(done, lambda: unlink_phone(self.rt, user_id, self.me.email))
        return back(".index")

    @action("/<int:user_id>/reset-factors", Role.ADMIN)
    def reset_factors(self, user_id: int) -> ResponseReturnValue:
        """Remove a user's second factors."""
        done = "Their second factor is removed, and they are signed out everywhere."
        self.attempt(done, lambda: reset_factors(self.rt, user_id, self.me.email))
        return back(".index")

    @action("/<int:user_id>/unlink-account", Role.ADMIN)
    def unlink_account(self, user_id: int) -> ResponseReturnValue:
        """Take the link to single sign-on from a user."""
        done = "They are signed out, and linked anew at their next single sign-on."
        self.attempt(done, lambda: unlink_account(self.rt, user_id, self.me.email))
        return back(".index")

    @action("/<int:user_id>/sign-out", Role.ADMIN)
    def sign_out(self, user_id: int) -> ResponseReturnValue:
        """End every session of a user."""
        done = "They are signed out everywhere."
        self.attempt(done, lambda: end_all_sessions(self.rt, user_id, self.me.email, utcnow()))
        return back(".index")

    def _page(self, **values: Any) -> str:
        with self.rt.database.read() as session:
            users = list(session.scalars(select(User).order_by(User.email).limit(500)))
            about = {
                "factors": users_with_factors(session),
                "linked": linked_users(session),
                "required": [role for role in Role if is_required(session, role)],
            }
        shown = {"error": None, "email": "", "role": "", "one_time": None, "code": None} | values
        roles = [(role.value, role.value.capitalize()) for role in Role]
        browsers = count_sessions(self.rt, utcnow())
        return self.render("panel/users.html", users=users, role_choices=roles, browsers=browsers, **about, **shown)


class AuditView(PanelView):
    """Pages of the audit."""

    icon = "audit"
    needs = Role.ADMIN

    @page("/", Role.ADMIN)
    def index(self) -> ResponseReturnValue:
        """The audit, newest first, a page at a time."""
        actor, kind = request.args.get("actor", "").strip()[:254], request.args.get("kind", "").strip()[:50]
        before = positive("before")
        query = select(Audit)
        query = query.where(Audit.id < before) if before else query
        query = query.where(Audit.actor == actor) if actor else query
        query = query.where(Audit.object_type == kind) if kind else query
        with self.rt.database.read() as session:
            rows = list(session.scalars(query.order_by(Audit.id.desc()).limit(PAGE_ROWS + 1)))
        following = None
        if len(rows) > PAGE_ROWS:
            following = url_for(".index", actor=actor or None, kind=kind or None, before=rows[PAGE_ROWS - 1].id)
        return self.render(
            "panel/audit.html", rows=rows[:PAGE_ROWS], actor=actor, kind=kind, following=following, before=before
        )


class SettingView(PanelView):
    """Pages of the settings that an operator changes while Hark runs."""

    icon = "settings"
    needs = Role.ADMIN

    @page("/", Role.ADMIN)
    def index(self) -> ResponseReturnValue:
        """Every setting with its description."""
        return self._page({}, {})

    @action("/<key>", Role.ADMIN)
    def change(self, key: str) -> ResponseReturnValue:
        """Change a setting."""
        if key not in SHOWN:
            abort(404)
        text = request.form.get("value", "")
        try:
            change_setting(self.rt, key, text, self.me.email)
        except OperatorError as error:
            return self._page({key: text}, {key: sentence(error)}), 400
        flash("Saved.", "good")
        return back(".index")

    def _page(self, submitted: dict[str, Any], errors: dict[str, str]) -> str:
        with self.rt.database.read() as session:
            values = {key: read_setting(session, key) for key in SHOWN}
        return self.render("panel/settings.html", values=values | submitted, known=KNOWN, errors=errors)
