"""The ways in which a signed-in user proves again that it is them, for the page that asks (admin.panel.confirm)."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import request

from admin.auth.confirmation import is_own_password, record_failure
from admin.auth.factors.passkey_challenges import ChallengePurpose
from admin.auth.factors.passkeys import check_passkey, owner_of, relying_party
from admin.auth.factors.policy import load_factors
from admin.auth.factors.second_step import check_typed_code
from admin.auth.sessions import OpenSession
from admin.auth.sso.identities import has_account
from admin.auth.web_security import attempt_origin, runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.browser_session import BY_PROVIDER, SignInMethod


@dataclass(frozen=True, slots=True)
class Proof:
    """A way to prove who one is. Its template asks for it, with fields that begin with `confirm_`.

    `check` reads them from the request and raises OperatorError if the proof is wrong. A way that leads to another site has a link
    in its template, and its own page calls `admin.auth.web_security.confirm_user` on the way back.
    """

    method: SignInMethod
    template: str
    is_offered: Callable[[OpenSession], bool]
    check: Callable[[OpenSession], None]


def check_code_of(open_session: OpenSession, text: str) -> SignInMethod:
    """Check a code that the session's user typed; returns what it was.

    Raises TooManyAttemptsError if the attempt comes too early, OperatorError if the code is wrong.
    """
    user, (_, device) = open_session.user, attempt_origin()
    return check_typed_code(runtime(), user.id, user.email, text, utcnow(), device=device)


def has_passkeys_here(user_id: int) -> bool:
    """Whether a user has passkeys for the host of the panel."""
    rt = runtime()
    party = relying_party(rt.settings.public_url)
    return party is not None and bool(load_factors(rt, user_id).passkeys_for(party.id))


def _has_codes(open_session: OpenSession) -> bool:
    return load_factors(runtime(), open_session.user.id).count > 0


def _has_passkeys(open_session: OpenSession) -> bool:
    return has_passkeys_here(open_session.user.id)


def _has_account(open_session: OpenSession) -> bool:
    rt = runtime()
    return rt.settings.oidc is not None and has_account(rt, open_session.user.id)


def _has_password(open_session: OpenSession) -> bool:
    """Not whoever came by single sign-on: they may never have had one, and what was asked at the provider is not asked here."""
    return open_session.method not in BY_PROVIDER or runtime().settings.oidc is None


def _check_password(open_session: OpenSession) -> None:
    address, device = attempt_origin()
    password = request.form.get("confirm_password", "")
    if not is_own_password(runtime(), open_session, password, address, utcnow(), device=device):
        raise OperatorError("That is not your password.")


def _check_code(open_session: OpenSession) -> None:
    check_code_of(open_session, request.form.get("confirm_code", ""))


def _check_passkey(open_session: OpenSession) -> None:
    rt, user_id, answer = runtime(), open_session.user.id, request.form.get("confirm_passkey", "")
    check_passkey(rt, answer, ChallengePurpose.CONFIRM, owner_of(user_id), user_id, utcnow())


def _check_account(open_session: OpenSession) -> None:
    record_failure(runtime(), open_session, utcnow())
    raise OperatorError("Sign in at the provider again: the link leads there.")


PROOFS: tuple[Proof, ...] = (
    Proof(SignInMethod.PASSKEY, "panel/second_factor/confirm_passkey.html", _has_passkeys, _check_passkey),
    Proof(SignInMethod.TOTP, "panel/second_factor/confirm_code.html", _has_codes, _check_code),
    Proof(SignInMethod.SINGLE_SIGN_ON, "panel/second_factor/confirm_sign_on.html", _has_account, _check_account),
    Proof(SignInMethod.PASSWORD, "panel/confirm_password.html", _has_password, _check_password),
)
"""Every way, in the order in which the page offers them."""
