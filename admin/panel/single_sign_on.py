"""Takes people to the provider of single sign-on and signs them in, or confirms that it is them, when they come back."""

from typing import cast

from flask import Flask, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from admin.auth.attempts import SIGN_ON, TooManyAttemptsError, count_outcome, forget_address, take_address_attempt
from admin.auth.sso.accounts import is_linked, sign_on
from admin.auth.sso.authorization import NOT_SIGNED_IN, SignOnAttempt, SignOnPurpose, begin, finish, read_attempt
from admin.auth.sso.errors import ProviderUnavailableError, SignOnError
from admin.auth.sso.id_token import Claims
from admin.auth.sso.provider import Provider
from admin.auth.web_security import (
    PANEL,
    attempt_origin,
    begin_sign_in,
    confirm_user,
    current_session,
    local_path,
    runtime,
)
from admin.panel.base import sentence
from admin.panel.sign_in import after_first_step, sign_in_page
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.browser_session import SignInMethod

CALLBACK = f"{PANEL}/sign-in/sso/callback"
_KEPT = "sign_on"
_EXTENSION = "hark_oidc"


def init_app(app: Flask) -> None:
    """Register the addresses, where a provider is set up."""
    rt = app.extensions["hark"]
    if rt.settings.oidc is None:
        return
    app.extensions[_EXTENSION] = Provider(rt.settings.oidc, rt.settings.outbound_allow)
    app.add_url_rule(f"{PANEL}/sign-in/sso", "panel.sso", sign_in)
    app.add_url_rule(f"{PANEL}/confirm/sso", "panel.sso_confirm", confirm)
    app.add_url_rule(CALLBACK, "panel.sso_callback", callback)


def sign_in() -> ResponseReturnValue:
    """Go to the provider to sign in."""
    target = local_path(request.args.get("next"), url_for("admin.index"))
    try:
        return _go(SignOnPurpose.SIGN_IN, target)
    except (SignOnError, ProviderUnavailableError) as error:
        return sign_in_page(target, error=error), 503


def confirm() -> ResponseReturnValue:
    """Go to the provider to be asked again."""
    target = local_path(request.args.get("next"), url_for("admin.index"))
    if current_session() is None:
        return redirect(url_for("panel.sign_in", next=target))
    try:
        return _go(SignOnPurpose.CONFIRM, target)
    except (SignOnError, ProviderUnavailableError) as error:
        flash(sentence(error), "bad")
        return redirect(url_for("panel.confirm", next=target))


def callback() -> ResponseReturnValue:
    """Come back from the provider."""
    kept = session.pop(_KEPT, None)  # of one use
    start = url_for("admin.index")
    try:
        attempt = read_attempt(kept, request.args.get("state", ""), utcnow())
    except SignOnError as error:
        # Some providers leave the state out when they refuse. Nothing depends on it then.
        problem = SignOnError(NOT_SIGNED_IN) if "error" in request.args else error
        return sign_in_page(start, error=problem), 400
    target = local_path(attempt.target, start)
    if attempt.purpose is SignOnPurpose.CONFIRM:
        return _confirmed(target, attempt)
    address = attempt_origin()[0]
    try:
        take_address_attempt(runtime(), SIGN_ON, address)
        response = _signed_in(_claims(attempt), target)
    except TooManyAttemptsError as error:
        return sign_in_page(target, error=error), 429, {"Retry-After": str(error.retry_after)}
    except ProviderUnavailableError as error:
        return sign_in_page(target, error=error), 503
    except OperatorError as error:
        return sign_in_page(target, error=error), 403
    forget_address(runtime(), SIGN_ON, address)
    return response


def _go(purpose: SignOnPurpose, target: str) -> ResponseReturnValue:
    attempt, address = begin(_provider(), _redirect_uri(), purpose, target, utcnow())
    session[_KEPT] = attempt.kept()
    return redirect(address, 303)


def _signed_in(claims: Claims, target: str) -> ResponseReturnValue:
    rt = runtime()
    user = sign_on(rt, _provider().settings, claims, utcnow())
    is_mfa = claims.had_several_factors
    begin_sign_in(user, SignInMethod.SINGLE_SIGN_ON_MFA if is_mfa else SignInMethod.SINGLE_SIGN_ON)
    return after_first_step(user, target, needs_factor=not is_mfa)


def _confirmed(target: str, attempt: SignOnAttempt) -> ResponseReturnValue:
    open_session = current_session()
    if open_session is None:
        return redirect(url_for("panel.sign_in", next=target))
    try:
        if not is_linked(runtime(), open_session.user.id, _claims(attempt)):
            raise SignOnError("You signed in at the provider as somebody else than here.")
        confirm_user(open_session, SignInMethod.SINGLE_SIGN_ON)
    except OperatorError as error:
        count_outcome(runtime(), "confirm_failed")
        flash(sentence(error), "bad")
        return redirect(url_for("panel.confirm", next=target))
    count_outcome(runtime(), "confirmed")
    return redirect(target)


def _claims(attempt: SignOnAttempt) -> Claims:
    return finish(_provider(), _redirect_uri(), attempt, request.args, utcnow())


def _provider() -> Provider:
    return cast("Provider", current_app.extensions[_EXTENSION])


def _redirect_uri() -> str:
    return runtime().settings.public_url + CALLBACK
