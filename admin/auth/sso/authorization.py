"""Takes a browser to the provider and back: authorization code with PKCE, and a state and a nonce that are of one use."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

from admin.auth.sso.errors import SignOnError
from admin.auth.sso.id_token import Claims, check_id_token
from admin.auth.sso.provider import Provider
from models.crypto import new_token

VALID_FOR = timedelta(minutes=15)
SCOPES = "openid email profile"
NOT_SIGNED_IN = "You were not signed in at the provider. Begin again."


class SignOnPurpose(StrEnum):
    """What somebody is sent to the provider for."""

    SIGN_IN = "sign_in"
    CONFIRM = "confirm"
    """Signed in already: the provider asks them again."""


@dataclass(frozen=True, slots=True)
class SignOnAttempt:
    """What the browser keeps, signed, until it comes back. `target` is the page of the panel that is opened then."""

    purpose: SignOnPurpose
    target: str
    state: str
    nonce: str
    verifier: str
    began_at: str

    def kept(self) -> dict[str, str]:
        """For the browser's cookie."""
        return asdict(self)


def begin(
    provider: Provider, redirect_uri: str, purpose: SignOnPurpose, target: str, now: datetime
) -> tuple[SignOnAttempt, str]:
    """An attempt, and the provider's address to which the browser goes.

    Raises ProviderUnavailableError if the provider does not answer, SignOnError if it is not the one that was set up.
    """
    address = provider.endpoints().authorization
    attempt = SignOnAttempt(purpose, target, new_token(), new_token(), new_token(48), now.isoformat())
    query = {
        "response_type": "code",
        "client_id": provider.settings.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": _challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    if purpose is SignOnPurpose.CONFIRM:
        query |= {"prompt": "login", "max_age": "0"}
    return attempt, f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def read_attempt(kept: object, state: str, now: datetime) -> SignOnAttempt:
    """The attempt that an answer belongs to. Raises SignOnError if the browser keeps none, another one, or one that is too old."""
    try:
        values: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
        attempt = SignOnAttempt(**(dict(values) | {"purpose": SignOnPurpose(values.get("purpose", ""))}))
        is_ours = hmac.compare_digest(attempt.state.encode(), state.encode())
        is_fresh = timedelta(0) <= now - datetime.fromisoformat(attempt.began_at) < VALID_FOR
    except (TypeError, ValueError) as error:
        raise SignOnError(
            "This sign-in did not begin in this browser, or was finished already. Begin again at the address of the panel."
        ) from error
    if not is_ours or not is_fresh:
        raise SignOnError("This sign-in is too old, or belongs to another one. Begin again.")
    return attempt


def finish(
    provider: Provider, redirect_uri: str, attempt: SignOnAttempt, answer: Mapping[str, str], now: datetime
) -> Claims:
    """Who came back.

    Raises SignOnError if the provider refused or its word cannot be verified, ProviderUnavailableError if it does not answer.
    """
    issuer = answer.get("iss")
    if issuer is not None and issuer != provider.endpoints().issuer:  # RFC 9207
        raise SignOnError("The answer came from another provider. Begin again.")
    code = answer.get("code")
    if not code:
        raise SignOnError(NOT_SIGNED_IN)
    tokens = provider.redeem(code[:4096], attempt.verifier, redirect_uri)
    claims = check_id_token(provider, tokens, attempt.nonce, now)
    if attempt.purpose is SignOnPurpose.CONFIRM and not claims.was_asked_after(
        datetime.fromisoformat(attempt.began_at)
    ):
        raise SignOnError("The provider does not say that it asked you again. Use a second factor instead.")
    return claims


def _challenge(verifier: str) -> str:
    """What the provider compares the verifier with (PKCE, RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
