"""Keeps the challenges of passkeys at the server: each is for one purpose and one user or browser, for minutes, and of one use."""

import hashlib
import hmac
from enum import StrEnum

from redis.exceptions import RedisError
from webauthn.helpers import generate_challenge

from jobs.core.runtime import Runtime
from models.errors import OperatorError

VALID_SECONDS = 300


class ChallengePurpose(StrEnum):
    """What a challenge is for."""

    ENROLL = "enroll"
    SECOND_STEP = "second_step"
    CONFIRM = "confirm"
    SIGN_IN = "sign_in"


def new_challenge(rt: Runtime, purpose: ChallengePurpose, owner: str) -> bytes:
    """Make a challenge for an owner, such as `user:3`. Raises OperatorError if Redis, which keeps it, does not answer."""
    challenge = generate_challenge()
    try:
        rt.redis.set(_key(challenge), _value(purpose, owner), ex=VALID_SECONDS)
    except RedisError as error:
        raise OperatorError("Passkeys cannot be used now, because Redis does not answer.") from error
    return challenge


def use_challenge(rt: Runtime, challenge: bytes, purpose: ChallengePurpose, owner: str) -> bool:
    """Use a challenge: False if it was not made for this, is too old or was used. Raises OperatorError if Redis does not answer."""
    try:
        kept = rt.redis.getdel(_key(challenge))
    except RedisError as error:
        raise OperatorError("Passkeys cannot be used now, because Redis does not answer.") from error
    expected = _value(purpose, owner).encode()
    return isinstance(kept, bytes) and hmac.compare_digest(kept, expected)


def _key(challenge: bytes) -> str:
    return f"hark:passkey_challenge:{hashlib.sha256(challenge).hexdigest()}"


def _value(purpose: ChallengePurpose, owner: str) -> str:
    return f"{purpose.value} {owner}"
