"""Checks the id token of a sign-in: one of the provider's keys signed it, and it is for us, for this sign-in, and now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from admin.auth.sso.errors import SignOnError
from admin.auth.sso.provider import NEW_KEYS_SECONDS, Provider
from admin.auth.sso.roles import find_claim

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""By a key pair: `none` says nothing, and what is signed with a shared secret could be made by whoever knows the secret."""
LEEWAY_SECONDS = 60
MAX_BYTES = 32_768
_REFUSED = "The answer of the provider of single sign-on could not be verified. Begin again."


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider said of a user. `subject` is their id there, which is never given to somebody else."""

    issuer: str
    subject: str
    all: Mapping[str, Any]

    @property
    def verified_email(self) -> str | None:
        """The e-mail, if the provider says that it is the user's own."""
        email, verified = self.all.get("email"), self.all.get("email_verified")
        return email if isinstance(email, str) and (verified is True or verified == "true") else None

    @property
    def had_several_factors(self) -> bool:
        """Whether the provider says that it asked for more than one factor (RFC 8176)."""
        methods = self.all.get("amr")
        return isinstance(methods, list) and "mfa" in methods

    def was_asked_after(self, moment: datetime) -> bool:
        """Whether the provider says that the user signed in there after a moment, give or take its clock."""
        at = self.all.get("auth_time")
        return isinstance(at, int | float) and not isinstance(at, bool) and at >= moment.timestamp() - LEEWAY_SECONDS


def check_id_token(provider: Provider, tokens: Mapping[str, Any], nonce: str, now: datetime) -> Claims:
    """The claims of a sign-in; an e-mail or a role that is not in the token is asked of the provider.

    Raises SignOnError if the token is not what it must be, ProviderUnavailableError if the provider does not answer.
    """
    endpoints, own, token = provider.endpoints(), provider.settings, tokens.get("id_token")
    if not isinstance(token, str) or len(token) > MAX_BYTES:
        raise SignOnError(_REFUSED)
    allowed = [algorithm for algorithm in endpoints.algorithms if algorithm in ALGORITHMS]
    access_token = tokens.get("access_token")
    try:
        decoded = _decode(provider, token, allowed)
        claims: Any = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": endpoints.issuer},
                "aud": {"essential": True, "value": own.client_id},
                "sub": {"essential": True},
            },
            params={"nonce": nonce, "client_id": own.client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignOnError(_REFUSED) from error
    subject, said = str(claims["sub"]), dict(claims)
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise SignOnError(_REFUSED)
    lacks_role = own.role_claim is not None and find_claim(said, own.role_claim) is None
    if isinstance(access_token, str) and ("email" not in said or lacks_role):
        more = provider.user_info(access_token)
        if more.get("sub") == subject:  # else it speaks of somebody else
            said = {**more, **said}
    return Claims(endpoints.issuer, subject, said)


def _decode(provider: Provider, token: str, algorithms: Sequence[str]) -> jwt.Token:
    """The token's claims, once its signature is right. Keys change: with an unknown one they are read again, now and then."""
    try:
        return jwt.decode(token, _key_set(provider.keys()), algorithms=algorithms)
    except (InvalidKeyIdError, BadSignatureError):
        return jwt.decode(token, _key_set(provider.keys(older_than=NEW_KEYS_SECONDS)), algorithms=algorithms)


def _key_set(keys: Mapping[str, Any]) -> KeySet:
    listed = keys.get("keys")
    return KeySet.import_key_set({"keys": listed if isinstance(listed, list) else []})
