"""Enforces Meta's limits: messages per second, per person, and people in 24 h (docs/meta.md §4)."""

from collections import deque

from bot.sandbox.errors import SandboxGraphError

PAIR_SECONDS = 6.0
PAIR_BURST = 45
DAY = 86_400.0


class Limits:
    """The limits of all numbers. Times are seconds of one clock, passed by the caller."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}  # number → (tokens, when)
        self._pairs: dict[tuple[str, str], float] = {}  # (number, person) → when the burst is recovered
        self._counted: dict[str, float] = {}
        self._order: deque[tuple[float, str]] = deque()
        self._calls: dict[str, deque[float]] = {}

    def clear(self) -> None:
        """Forget all counts."""
        self._buckets.clear()
        self._pairs.clear()
        self._counted.clear()
        self._order.clear()
        self._calls.clear()

    def check_throughput(self, number_id: str, rate: float, now: float) -> None:
        """Take a token from a bucket of one second. Raises SandboxGraphError 130429 if it is empty."""
        tokens, before = self._buckets.get(number_id, (rate, now))
        tokens = min(rate, tokens + (now - before) * rate)
        if tokens < 1:
            self._buckets[number_id] = (tokens, now)
            raise SandboxGraphError(130429, "Cloud API message throughput has been reached.")
        self._buckets[number_id] = (tokens - 1, now)

    def check_pair(self, number_id: str, wa_id: str, now: float) -> None:
        """Allow one message per 6 s with a burst of 45. Raises SandboxGraphError 131056 beyond that."""
        due = max(now, self._pairs.get((number_id, wa_id), now))
        if due - now > PAIR_SECONDS * (PAIR_BURST - 1):
            raise SandboxGraphError(
                131056, "Too many messages sent from this phone number to the same recipient in a short time."
            )
        self._pairs[number_id, wa_id] = due + PAIR_SECONDS

    def check_tier(self, wa_id: str, limit: int, code: int, now: float) -> None:
        """Count a person of the portfolio in a moving 24 h; call it for messages outside of a window only.

        Raises SandboxGraphError with ``code`` if the limit (0: none) is reached.
        """
        while self._order and self._order[0][0] <= now - DAY:
            self._counted.pop(self._order.popleft()[1], None)
        if wa_id in self._counted:
            return
        if limit and len(self._counted) >= limit:
            raise SandboxGraphError(code, f"The messaging limit of {limit} people in 24 hours has been reached.")
        self._counted[wa_id] = now
        self._order.append((now, wa_id))

    def check_management(self, waba_id: str, limit: int, now: float) -> None:
        """Count a management call. Raises SandboxGraphError 80007 past ``limit`` calls (0: none) in an hour."""
        calls = self._calls.setdefault(waba_id, deque())
        while calls and calls[0] <= now - 3600:
            calls.popleft()
        if limit and len(calls) >= limit:
            raise SandboxGraphError(80007, "The WhatsApp Business account has reached its hourly number of calls.")
        calls.append(now)

    @property
    def people_counted(self) -> int:
        """The people who were counted and are not older than 24 h at the last check."""
        return len(self._counted)
