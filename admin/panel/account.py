"""Shows a user their own account: where they are signed in, the phone for commands, and the way to second factor and password."""

from typing import Any

from flask import flash
from flask.typing import ResponseReturnValue

from admin.auth.factors.policy import load_factors
from admin.auth.phone_links import create_link_code, phone_link_of, unlink_phone
from admin.auth.session_list import list_ended_sessions, list_sessions
from admin.auth.sessions import end_other_sessions, end_session
from admin.panel.base import PanelView, action, back, page, sentence
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.user import Role


class AccountView(PanelView):
    """The page of one's own account; the menu does not list it, the name at its foot leads here."""

    @page("/")
    def index(self) -> ResponseReturnValue:
        """One's own account."""
        return self._page()

    @action("/link-code", Role.VIEWER)
    def link_code(self) -> ResponseReturnValue:
        """Make a code by which one links one's own phone; it is shown once, on this page."""
        try:
            return self._page(code=create_link_code(self.rt, self.me.id, self.me.email))
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")

    @action("/unlink", Role.VIEWER)
    def unlink(self) -> ResponseReturnValue:
        """Unlink one's own phone."""
        done = "Your phone gives no more commands."
        self.attempt(done, lambda: unlink_phone(self.rt, self.me.id, self.me.email))
        return back(".index")

    @action("/sessions/<int:session_id>/end", Role.VIEWER)
    def end_session(self, session_id: int) -> ResponseReturnValue:
        """End one of one's own sessions."""
        done = "That browser is signed out."
        self.attempt(done, lambda: end_session(self.rt, self.me.id, session_id, self.me.email, utcnow()))
        return back(".index")

    @action("/sessions/end-others", Role.VIEWER)
    def end_other_sessions(self) -> ResponseReturnValue:
        """End all of one's own sessions but this one."""
        end_other_sessions(self.rt, self.session, utcnow())
        flash("You are signed out everywhere else.", "good")
        return back(".index")

    def is_visible(self) -> bool:
        """Whether the menu lists the view."""
        return False

    def _page(self, code: Any = None) -> str:
        now = utcnow()
        return self.render(
            "panel/account.html",
            me=self.me,
            link=phone_link_of(self.rt, self.me.id),
            code=code,
            factors=load_factors(self.rt, self.me.id),
            here=self.session.id,
            sessions=list_sessions(self.rt, self.me.id, now),
            ended=list_ended_sessions(self.rt, self.me.id, now),
        )
