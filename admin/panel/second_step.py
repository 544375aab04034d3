"""Asks for the second factor, after the password or single sign-on and before a session opens any page."""

from flask import Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from admin.auth.attempts import TooManyAttemptsError
from admin.auth.factors.passkey_challenges import ChallengePurpose
from admin.auth.factors.passkeys import check_passkey, owner_of
from admin.auth.factors.policy import load_factors
from admin.auth.sessions import OpenSession
from admin.auth.web_security import PANEL, local_path, pending_session, runtime
from admin.panel.proofs import check_code_of, has_passkeys_here
from admin.panel.sign_in import finish_sign_in
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.browser_session import BY_PROVIDER, SignInMethod
from models.text import Text


def init_app(app: Flask) -> None:
    """Register the page."""
    app.add_url_rule(f"{PANEL}/second-step", "panel.second_step", second_step, methods=["GET", "POST"])


def second_step() -> ResponseReturnValue:
    """Show a second factor and be signed in."""
    pending = pending_session()
    if pending is None:
        return redirect(url_for("panel.sign_in"))
    target = local_path(request.values.get("next"), url_for("admin.index"))
    if request.method == "GET":
        return _page(pending, target, None)
    try:
        method = _check(pending)
        # Who came by single sign-on stays known as that: they are not asked for a password later.
        response = finish_sign_in(pending.user, target, None if pending.method in BY_PROVIDER else method)
    except OperatorError as error:
        page = _page(pending, target, error)
        if isinstance(error, TooManyAttemptsError):
            return page, 429, {"Retry-After": str(error.retry_after)}
        return page, 401
    warn_of_few_codes(pending.user.id)
    return response


def warn_of_few_codes(user_id: int) -> None:
    """Tell a user who has few recovery codes left, on the next page."""
    factors = load_factors(runtime(), user_id)
    if factors.has_few_codes:
        flash(
            Text(
                "Recovery codes left: {count}. Make new ones under Your account.", {"count": factors.codes_left}
            ).translated(),
            "warn",
        )


def _check(pending: OpenSession) -> SignInMethod:
    answer, user_id = request.form.get("passkey"), pending.user.id
    if not answer:
        return check_code_of(pending, request.form.get("code", ""))
    check_passkey(runtime(), answer, ChallengePurpose.SECOND_STEP, owner_of(user_id), user_id, utcnow())
    return SignInMethod.PASSKEY


def _page(pending: OpenSession, target: str, error: OperatorError | None) -> str:
    return render_template(
        "panel/second_factor/step.html",
        someone=pending.user,
        factors=load_factors(runtime(), pending.user.id),
        has_passkeys=has_passkeys_here(pending.user.id),
        target=target,
        error=error.text if error else None,
    )
