"""How much a number may send: messages a second, to one person, and to how many people in 24 h."""

from collections import deque

from bot.sandbox.errors import SandboxGraphError

PAIR_SECONDS = 6.0
PAIR_BURST = 45
DAY = 86_400.0


class Limits:
    """Times are seconds of any one clock, handed in."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}  # number → (tokens, when)
        self._pairs: dict[tuple[str, str], float] = {}  # number and person → when it would all be paid back
        self._counted: dict[str, float] = {}
        self._order: deque[tuple[float, str]] = deque()
        self._calls: dict[str, deque[float]] = {}

    def clear(self) -> None:
        self._buckets.clear()
        self._pairs.clear()
        self._counted.clear()
        self._order.clear()
        self._calls.clear()

    def check_throughput(self, number_id: str, rate: float, now: float) -> None:
        """One token of a bucket that holds a second's worth; 130429 where it is empty."""
        tokens, before = self._buckets.get(number_id, (rate, now))
        tokens = min(rate, tokens + (now - before) * rate)
        if tokens < 1:
            self._buckets[number_id] = (tokens, now)
            raise SandboxGraphError(130429, "Cloud API message throughput has been reached.")
        self._buckets[number_id] = (tokens - 1, now)

    def check_pair(self, number_id: str, wa_id: str, now: float) -> None:
        """One message per 6 s, with a burst of 45 borrowed from the future; 131056 past it."""
        due = max(now, self._pairs.get((number_id, wa_id), now))
        if due - now > PAIR_SECONDS * (PAIR_BURST - 1):
            raise SandboxGraphError(
                131056, "Too many messages sent from this phone number to the same recipient in a short time."
            )
        self._pairs[number_id, wa_id] = due + PAIR_SECONDS

    def check_tier(self, wa_id: str, limit: int, code: int, now: float) -> None:
        """Unique people of the portfolio in a moving day; call it for messages outside a window only."""
        while self._order and self._order[0][0] <= now - DAY:
            self._counted.pop(self._order.popleft()[1], None)
        if wa_id in self._counted:
            return
        if limit and len(self._counted) >= limit:
            raise SandboxGraphError(code, f"The messaging limit of {limit} people in 24 hours has been reached.")
        self._counted[wa_id] = now
        self._order.append((now, wa_id))

    def check_management(self, waba_id: str, limit: int, now: float) -> None:
        calls = self._calls.setdefault(waba_id, deque())
        while calls and calls[0] <= now - 3600:
            calls.popleft()
        if limit and len(calls) >= limit:
            raise SandboxGraphError(80007, "The WhatsApp Business account has reached its hourly number of calls.")
        calls.append(now)

    @property
    def people_counted(self) -> int:
        return len(self._counted)
