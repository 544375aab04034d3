"""Gives browsers what they make and use passkeys with, and signs in by a passkey alone."""

import hashlib

from flask import Flask, Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from admin.auth.attempts import PASSKEY, TooManyAttemptsError, forget_address, take_address_attempt
from admin.auth.factors.passkey_challenges import ChallengePurpose
from admin.auth.factors.passkeys import check_passkey, creation_options, owner_of, request_options
from admin.auth.sessions import OpenSession
from admin.auth.signed_in_user import load_signed_in_user
from admin.auth.web_security import (
    PANEL,
    attempt_origin,
    begin_sign_in,
    current_session,
    local_path,
    pending_session,
    runtime,
)
from admin.panel.base import sentence
from admin.panel.sign_in import finish_sign_in, is_local_sign_in_open, sign_in_page
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.browser_session import SignInMethod


def init_app(app: Flask) -> None:
    """Register the two addresses."""
    app.add_url_rule(f"{PANEL}/passkeys/options", "panel.passkey_options", options, methods=["POST"])
    app.add_url_rule(f"{PANEL}/sign-in/passkey", "panel.sign_in_passkey", sign_in_by_passkey, methods=["POST"])


def options() -> ResponseReturnValue:
    """What the browser makes or uses a passkey with, for a purpose, as JSON; `{"problem": …}` if there is none."""
    try:
        return Response(_options(request.form.get("purpose", "")), mimetype="application/json")
    except TooManyAttemptsError as error:
        return {"problem": sentence(error)}, 429, {"Retry-After": str(error.retry_after)}
    except OperatorError as error:
        return {"problem": sentence(error)}, 409


def sign_in_by_passkey() -> ResponseReturnValue:
    """Sign in by a passkey that verified its user: it is the password and the second factor in one."""
    target = local_path(request.form.get("next"), url_for("admin.index"))
    rt, address = runtime(), _address()
    if not is_local_sign_in_open():
        return redirect(url_for("panel.sign_in"), 303)
    try:
        answer = request.form.get("passkey", "")
        user_id = check_passkey(rt, answer, ChallengePurpose.SIGN_IN, _browser(), None, utcnow())
        user = load_signed_in_user(rt, user_id)
        begin_sign_in(user, SignInMethod.PASSKEY)
        response = finish_sign_in(user, target)
    except OperatorError as error:
        return sign_in_page(target, error=error), 401
    forget_address(rt, PASSKEY, address)
    return response


def _options(purpose: str) -> str:
    rt = runtime()
    if purpose == ChallengePurpose.SIGN_IN:
        if not is_local_sign_in_open():
            raise OperatorError("Signing in by a passkey alone is switched off.")
        take_address_attempt(rt, PASSKEY, _address())
        return request_options(rt, ChallengePurpose.SIGN_IN, _browser(), None)
    if purpose == ChallengePurpose.SECOND_STEP:
        user_id = _user_of(pending_session())
        return request_options(rt, ChallengePurpose.SECOND_STEP, owner_of(user_id), user_id)
    user_id = _user_of(current_session())
    if purpose == ChallengePurpose.CONFIRM:
        return request_options(rt, ChallengePurpose.CONFIRM, owner_of(user_id), user_id)
    return creation_options(rt, user_id)


def _user_of(open_session: OpenSession | None) -> int:
    if open_session is None:
        raise OperatorError("This sign-in took too long. Sign in again.")
    return open_session.user.id


def _browser() -> str:
    """The owner of a challenge where nobody is known yet: this browser, by its CSRF token."""
    return "browser:" + hashlib.sha256(str(session.get("csrf")).encode()).hexdigest()[:32]


def _address() -> str:
    return attempt_origin()[0]
