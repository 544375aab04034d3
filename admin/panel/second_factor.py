"""Shows users their second factors: sets them up, removes them, makes recovery codes."""

from collections.abc import Callable

import segno
from flask import flash, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin.auth.factors.enrollment import enroll_totp, remove_passkey, remove_totp, renew_codes
from admin.auth.factors.passkeys import enroll_passkey, relying_party
from admin.auth.factors.policy import is_required, load_factors
from admin.auth.factors.totp import begin_totp, waiting_totp
from admin.panel.base import PanelView, action, back, form, lacks_factor, page, sentence
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.user import Role


class SecondFactorView(PanelView):
    """Pages of one's own second factors; the menu does not list them, one's account leads here."""

    is_open_without_factor = True

    @page("/")
    def index(self) -> ResponseReturnValue:
        """One's factors."""
        factors = load_factors(self.rt, self.me.id)
        with self.rt.database.read() as session:
            is_needed = is_required(session, self.me.role)
        return self.render(
            "panel/second_factor/index.html",
            factors=factors,
            host=self._host(),
            is_due=lacks_factor(),
            may_remove=factors.count > 1 or not is_needed,
        )

    @action("/app/begin", Role.VIEWER)
    def begin_app(self) -> ResponseReturnValue:
        """Make the secret of a new authenticator app."""
        begin_totp(self.rt, self.me.id, utcnow())
        return back(".app")

    @form("/app", Role.VIEWER)
    def app(self) -> ResponseReturnValue:
        """The secret of the new app, and the code by which it counts."""
        if request.method == "GET":
            return self._app(None)
        code = request.form.get("code", "")
        try:
            return self._enrolled(enroll_totp(self.rt, self.me.id, code, utcnow(), keep=self.session.id))
        except OperatorError as error:
            return self._app(sentence(error)), 400

    @action("/app/remove", Role.VIEWER)
    def remove_app(self) -> ResponseReturnValue:
        """Remove the authenticator app."""
        return self._remove("The app is removed.", lambda: remove_totp(self.rt, self.me.id, utcnow()))

    @form("/passkey", Role.VIEWER)
    def passkey(self) -> ResponseReturnValue:
        """Add a passkey."""
        name, problem = request.form.get("name", ""), None
        if request.method == "POST":
            answer = request.form.get("passkey", "")
            try:
                return self._enrolled(enroll_passkey(self.rt, self.me.id, name, answer, utcnow(), keep=self.session.id))
            except OperatorError as error:
                problem = sentence(str(error).removeprefix("name: "))
        page = self.render("panel/second_factor/passkey.html", host=self._host(), name=name[:60], error=problem)
        return page, 400 if problem else 200

    @action("/passkey/<int:passkey_id>/remove", Role.VIEWER)
    def remove_passkey(self, passkey_id: int) -> ResponseReturnValue:
        """Remove a passkey."""
        return self._remove(
            "The passkey is removed.", lambda: remove_passkey(self.rt, self.me.id, passkey_id, utcnow())
        )

    @action("/codes", Role.VIEWER)
    def new_codes(self) -> ResponseReturnValue:
        """Make new recovery codes, which are shown once, on this page."""
        try:
            codes = renew_codes(self.rt, self.me.id, utcnow())
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")
        return self.render("panel/second_factor/codes.html", codes=codes)

    def is_visible(self) -> bool:
        """Whether the menu lists the view."""
        return False

    def _enrolled(self, codes: tuple[str, ...]) -> ResponseReturnValue:
        if codes:
            return self.render("panel/second_factor/codes.html", codes=codes)
        flash("It is asked for from the next sign-in on.", "good")
        return back(".index")

    def _remove(self, done: str, operation: Callable[[], None]) -> ResponseReturnValue:
        self.attempt(done, operation)
        return back(".index")

    def _app(self, error: str | None) -> str:
        new = waiting_totp(self.rt, self.me.id, utcnow())
        picture = Markup(segno.make(new.uri).svg_inline(scale=4, border=4, light="#fff")) if new else None  # noqa: S704 - segno's own
        secret = " ".join(new.secret[place : place + 4] for place in range(0, len(new.secret), 4)) if new else None
        return self.render(
            "panel/second_factor/app.html", new=new, picture=picture, secret=secret, error=error, me=self.me
        )

    def _host(self) -> str | None:
        party = relying_party(self.rt.settings.public_url)
        return party.id if party else None
