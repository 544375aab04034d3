"""Defines the base of every view of the panel: required roles, running an operation, rendering errors and redirects."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView, expose

from admin.auth.factors.policy import must_enroll
from admin.auth.sessions import OpenSession
from admin.auth.signed_in_user import SignedInUser
from admin.auth.web_security import current_session, current_user, runtime
from admin.panel.confirm import confirmation_response
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.browser_session import SignInMethod
from models.tables.user import Role

PAGE_ROWS = 50
_ABOUT = re.compile(r"^(campaign|conversation) [0-9]+: ")


def page(url: str = "/", role: Role = Role.VIEWER) -> Callable[[Any], Any]:
    """Expose a page that shows something (GET) to this role or a higher one."""
    return _exposed(url, role, ("GET",))


def form(url: str, role: Role) -> Callable[[Any], Any]:
    """Expose a page with a form: shown by GET, submitted by POST."""
    return _exposed(url, role, ("GET", "POST"))


def action(url: str, role: Role) -> Callable[[Any], Any]:
    """Expose an action that changes something: POST only."""
    return _exposed(url, role, ("POST",))


def _exposed(url: str, role: Role, methods: Sequence[str]) -> Callable[[Any], Any]:
    def mark(function: Any) -> Any:
        function.panel_role = role
        return expose(url, methods)(function)

    return mark


class PanelView(BaseView):
    """A view of one noun. An exposed function without a role is for administrators only."""

    needs = Role.VIEWER
    """The role that sees the view in the menu."""
    icon = "dot"
    is_open_without_factor = False
    """Whether the view opens for a user who must set up a second factor first."""

    @property
    def rt(self) -> Runtime:
        """The runtime of the application."""
        return runtime()

    @property
    def me(self) -> SignedInUser:
        """The signed-in user. Aborts with 403 if there is none, which does not happen in a view."""
        return self.session.user

    @property
    def session(self) -> OpenSession:
        """The session of the signed-in user. Aborts with 403 if there is none, which does not happen in a view."""
        open_session = current_session()
        if open_session is None:
            abort(403)
        return open_session

    def is_accessible(self) -> bool:
        """Whether the menu shows the view."""
        user = current_user()
        return user is not None and not user.must_change_password and user.may(self.needs) and not lacks_factor()

    def _handle_view(self, name: str, **_kwargs: Any) -> ResponseReturnValue | None:
        role = getattr(getattr(type(self), name), "panel_role", Role.ADMIN)
        return access_response(role, self.is_open_without_factor) or confirmation_response()

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the function once: Flask-Admin's own method calls it again after a TypeError inside it."""
        return fn(self, *args, **kwargs)

    def attempt(self, done: str | None, operation: Callable[[], Any]) -> bool:
        """Run an operation; the next page shows `done`, or the text of an OperatorError. Returns whether it succeeded."""
        try:
            operation()
        except OperatorError as error:
            flash(sentence(error), "bad")
            return False
        if done:
            flash(done, "good")
        return True


def lacks_factor() -> bool:
    """Whether the signed-in user must set up a second factor before anything else. Looked up once a request."""
    if "lacks_factor" not in g:
        found = current_session()
        g.lacks_factor = (
            found is not None
            and found.method is not SignInMethod.SINGLE_SIGN_ON_MFA
            and must_enroll(runtime(), found.user.id, found.user.role)
        )
    return bool(g.lacks_factor)


def access_response(role: Role, is_open_without_factor: bool = False) -> ResponseReturnValue | None:
    """None if the user has this role or a higher one, else a redirect to the page where they sign in, choose a password or set up
    a second factor.

    Aborts with 403 if the role is too low.
    """
    user = current_user()
    if user is None:
        next_url = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("panel.sign_in", next=next_url))
    if user.must_change_password:
        return redirect(url_for("panel.password"))
    if not is_open_without_factor and lacks_factor():
        return redirect(url_for("panel_second_factor.index"))
    if not user.may(role):
        abort(403)
    return None


def sentence(error: Exception | str) -> str:
    """The text of an error, translated, as a sentence, without the campaign or conversation that the page is about."""
    line = error.text.translated() if isinstance(error, OperatorError) else str(error)
    text = _ABOUT.sub("", " ".join(line.split()))
    return text[:1].upper() + text[1:]


def back(endpoint: str, **values: Any) -> ResponseReturnValue:
    """Redirect (303) after a POST to the page that shows the result."""
    return redirect(url_for(endpoint, **values), 303)


def positive(name: str, default: int = 0) -> int:
    """A non-negative integer of the query string; the default for anything else."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else default
