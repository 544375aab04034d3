"""Slows attempts to sign in down, per account and per client address, and locks nobody out for good.

An attempt is counted before its password is hashed, so that a stranger can neither guess quickly nor make the server compute. A
browser that signed in to the account before has a count of its own, which nobody else can use up. Counts stand in Redis; without
it only the number of hashes at a time is limited (admin.auth.hash_places).
"""

import hashlib
import hmac
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from admin.auth.client_address import client_network
from admin.auth.hash_places import HashPlaces
from jobs.core.runtime import Runtime
from models.crypto import new_token
from models.errors import OperatorError

log = logging.getLogger("hark.sign_in")

HASHES_AT_A_TIME = 2
STRANGERS_IN_ROW = 6
"""Of the 16 threads of the web process."""
HASH_WAIT_SECONDS = 2.0
COUNTS_KEY = "hark:sign_in:counts"
"""A hash, outcome → number, for /metrics."""
OUTCOMES = (
    "signed_in", "failed", "limited", "slowed", "signed_out", "sessions_ended", "confirmed", "confirm_failed",
    "factor_failed", "sign_on_refused",
)  # fmt: skip

_places = HashPlaces(HASHES_AT_A_TIME, STRANGERS_IN_ROW)


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """After `free` attempts each further one waits: a second, then twice as long each time, at most `longest_seconds`.

    An hour without an attempt forgets the count.
    """

    name: str
    free: int
    longest_seconds: int


ACCOUNT = AttemptLimit("account", 5, 60)
ADDRESS = AttemptLimit("address", 50, 60)
DEVICE = AttemptLimit("device", 10, 60)
FACTOR = AttemptLimit("factor", 5, 300)
"""Codes of a second factor, per account. Six digits are few, so that the wait grows longer than that of passwords."""
DEVICE_FACTOR = AttemptLimit("device_factor", 5, 300)
PASSKEY = AttemptLimit("passkey", 50, 60)
"""Signing in by a passkey alone, per address."""
SIGN_ON = AttemptLimit("sign_on", 30, 60)
"""Answers of the provider of single sign-on that gave no access, per address."""

# KEYS: the counts, from the one that is asked first. ARGV: for each its free attempts and its longest wait in milliseconds.
# Counts an attempt on every key, or nothing if one of them has to wait. Returns the milliseconds until the next is allowed, and
# whether this is the attempt after which the first key begins to wait.
_TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local wait = 0
for place, key in ipairs(KEYS) do
  local at = tonumber(redis.call('HGET', key, 'at') or '0')
  wait = math.max(wait, at - now)
end
if wait > 0 then
  return {wait, 0}
end
local slowed = 0
for place, key in ipairs(KEYS) do
  local count = redis.call('HINCRBY', key, 'count', 1)
  local beyond = count - tonumber(ARGV[place * 2 - 1])
  if beyond == 0 and place == 1 then
    slowed = 1
  end
  if beyond >= 0 then
    local pause = math.min(tonumber(ARGV[place * 2]), 1000 * 2 ^ math.min(beyond, 20))
    redis.call('HSET', key, 'at', now + math.floor(pause))
  end
  redis.call('EXPIRE', key, 3600)
end
return {0, slowed}
"""


class TooManyAttemptsError(OperatorError):
    """The next attempt is allowed in `retry_after` seconds."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("Too many attempts. Wait {seconds} s, then try again.", seconds=retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted: whether its browser signed in to the account before, and whether the next one has to wait."""

    is_known_device: bool
    has_slowed: bool


def take_attempt(rt: Runtime, email: str, address: str, device: str | None) -> Attempt:
    """Count an attempt. `device` is the cookie of a browser that signed in to this account before.

    Raises TooManyAttemptsError if it comes too early; it is not counted then.
    """
    limits, is_known = [(ACCOUNT, email), (ADDRESS, client_network(address))], False
    if device is not None and is_known_device(rt, email, device):
        limits, is_known = [(DEVICE, device)], True
    try:
        has_slowed = _take(rt, limits)
    except RedisError as error:
        log.warning("attempts to sign in are not limited: %s", type(error).__name__)
        return Attempt(is_known, has_slowed=False)
    return Attempt(is_known, has_slowed)


def take_factor_attempt(rt: Runtime, email: str, device: str | None, *, must_count: bool) -> None:
    """Count an attempt at a second factor. Raises TooManyAttemptsError if it comes too early; it is not counted then.

    Raises OperatorError if it `must_count` and Redis, where counts stand, does not answer.
    """
    is_known = device is not None and is_known_device(rt, email, device)
    try:
        _take(rt, [(DEVICE_FACTOR, device) if device is not None and is_known else (FACTOR, email)])
    except RedisError as error:
        log.warning("attempts at a second factor are not limited: %s", type(error).__name__)
        if must_count:
            raise OperatorError(
                "Codes of the app cannot be checked now, because Redis does not answer. A recovery code can."
            ) from error


def take_address_attempt(rt: Runtime, limit: AttemptLimit, address: str) -> None:
    """Count an attempt by its address alone, where no account is known yet. Raises TooManyAttemptsError if it comes too early."""
    try:
        _take(rt, [(limit, client_network(address))])
    except RedisError as error:
        log.warning("attempts to sign in are not limited: %s", type(error).__name__)


def _take(rt: Runtime, limits: Sequence[tuple[AttemptLimit, str]]) -> bool:
    """Count an attempt; returns whether the next one has to wait. Raises TooManyAttemptsError if it comes too early."""
    keys = [_key(limit, value) for limit, value in limits]
    arguments = [number for limit, _ in limits for number in (limit.free, limit.longest_seconds * 1000)]
    wait, has_slowed = rt.redis.eval(_TAKE, len(keys), *keys, *arguments)
    if wait:
        count_outcome(rt, "limited")
        raise TooManyAttemptsError(retry_after=math.ceil(wait / 1000))
    if has_slowed:
        count_outcome(rt, "slowed")
    return bool(has_slowed)


def forget_attempts(rt: Runtime, email: str, device: str | None = None) -> None:
    """Forget the count of an account, and of the browser that signed in."""
    _forget(rt, [_key(ACCOUNT, email), *([] if device is None else [_key(DEVICE, device)])])


def forget_factor_attempts(rt: Runtime, email: str, device: str | None = None) -> None:
    """Forget the count of an account's second factor, and of the browser that signed in."""
    _forget(rt, [_key(FACTOR, email), *([] if device is None else [_key(DEVICE_FACTOR, device)])])


def forget_address(rt: Runtime, limit: AttemptLimit, address: str) -> None:
    """Forget the count of an address, from which somebody signed in."""
    _forget(rt, [_key(limit, client_network(address))])


def _forget(rt: Runtime, keys: Sequence[str]) -> None:
    try:
        rt.redis.delete(*keys)
    except RedisError as error:
        log.warning("the attempts of an account were not forgotten: %s", type(error).__name__)


def count_outcome(rt: Runtime, outcome: str, number: int = 1) -> None:
    """Count one of OUTCOMES for /metrics, or a change of a second factor."""
    try:
        rt.redis.hincrby(COUNTS_KEY, outcome, number)
    except RedisError:
        return


@contextmanager
def hashing(*, is_stranger: bool = False) -> Iterator[None]:
    """Hold one of the HASHES_AT_A_TIME places. Raises TooManyAttemptsError if none becomes free in time.

    A hash takes a tenth of a second and 64 MB on purpose.
    """
    if not _places.take(HASH_WAIT_SECONDS, is_stranger=is_stranger):
        raise TooManyAttemptsError(retry_after=math.ceil(HASH_WAIT_SECONDS))
    try:
        yield
    finally:
        _places.give_back()


def new_device(rt: Runtime, email: str) -> str:
    """The value of the cookie by which a browser is known for this account."""
    token = new_token(18)
    return f"{token}.{_signature(rt, email, token)}"


def is_known_device(rt: Runtime, email: str, device: str) -> bool:
    """Whether the cookie was given to a browser that signed in to this account."""
    token, _, signature = device.partition(".")
    return hmac.compare_digest(signature.encode(), _signature(rt, email, token).encode())


def _signature(rt: Runtime, email: str, token: str) -> str:
    key = f"device:{rt.settings.secret_key}".encode()
    return hmac.new(key, f"{email}\n{token}".encode(), hashlib.sha256).hexdigest()


def _key(limit: AttemptLimit, value: str) -> str:
    return f"hark:sign_in:{limit.name}:{hashlib.sha256(value.encode()).hexdigest()[:32]}"
