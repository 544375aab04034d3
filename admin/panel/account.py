"""Shows a user their own account: the phone for commands, and the way to the second factor and the password."""

from typing import Any

from flask import flash
from flask.typing import ResponseReturnValue

from admin.auth.factors.policy import load_factors
from admin.auth.phone_links import create_link_code, phone_link_of, unlink_phone
from admin.panel.base import PanelView, action, back, page, sentence
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

    def is_visible(self) -> bool:
        """Whether the menu lists the view."""
        return False

    def _page(self, code: Any = None) -> str:
        return self.render(
            "panel/account.html",
            me=self.me,
            link=phone_link_of(self.rt, self.me.id),
            factors=load_factors(self.rt, self.me.id),
            code=code,
        )
