"""How a shop's app proves itself: by a token that stays, or by its client id and secret, which get a token for a day.

A token that was granted is kept in this process until shortly before its end.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

RENEW_SECONDS = 600.0
"""A token is not used any more so long before its end."""


@dataclass(frozen=True, slots=True)
class AppSecret:
    """An app of the Dev Dashboard, for shops of the same organization."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StayingToken:
    """A token that never ends."""

    token: str = field(repr=False)


Credentials = AppSecret | StayingToken


class GrantedTokens:
    """The tokens of this process that were granted for a day, by client id and shop. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    def get(self, client_id: str, shop: str) -> str | None:
        """Return the token that still holds."""
        token, ends_at = self._tokens.get((client_id, shop), ("", 0.0))
        return token if token and self._clock() < ends_at else None

    def put(self, client_id: str, shop: str, token: str, seconds: float) -> None:
        """Keep a token that was granted for so long."""
        self._tokens[client_id, shop] = token, self._clock() + max(60.0, seconds - RENEW_SECONDS)

    def drop(self, client_id: str, shop: str) -> None:
        """The shop does not take it any more."""
        self._tokens.pop((client_id, shop), None)
