"""Keeps to a shop's rate limit: points per second by the cost of each query, in a bucket that fills up again.

Shopify says with every answer how full the bucket is and what the query cost (`extensions.cost`). The bucket is one per app and
shop, so others may empty it: a query that is throttled all the same waits for what it lacked.
"""

import time
from collections.abc import Callable
from typing import Any

MARGIN = 0.05
"""Our clock and the shop's do not tick alike."""
SMALLEST_WAIT = 0.2
LONGEST_WAIT = 30.0
DEFAULT_WAIT = 1.0


class Throttle:
    """What is known of the bucket. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._available = 0.0
        self._restore_rate = 0.0
        self._seen_at = 0.0
        self._costs: dict[str, float] = {}

    def seconds_before(self, operation: str) -> float:
        """Return how long to wait until the bucket holds what this operation asked for the last time."""
        cost = self._costs.get(operation)
        if cost is None or self._restore_rate <= 0:
            return 0.0
        available = self._available + (self._clock() - self._seen_at) * self._restore_rate
        lacking = cost - available
        return min(LONGEST_WAIT, lacking / self._restore_rate + MARGIN) if lacking > 0 else 0.0

    def note(self, operation: str, extensions: Any) -> None:
        """Take over what an answer says of the bucket; whatever is missing stays as it was."""
        cost = extensions.get("cost") if isinstance(extensions, dict) else None
        if not isinstance(cost, dict):
            return
        requested = _number(cost.get("requestedQueryCost"))
        if requested is not None:
            self._costs[operation] = requested
        status = cost.get("throttleStatus")
        if isinstance(status, dict):
            available, rate = _number(status.get("currentlyAvailable")), _number(status.get("restoreRate"))
            if available is not None and rate is not None and rate > 0:
                self._available, self._restore_rate, self._seen_at = available, rate, self._clock()

    def seconds_after_refusal(self, operation: str) -> float:
        """Return how long to wait after an answer that was throttled."""
        return max(SMALLEST_WAIT, self.seconds_before(operation) or DEFAULT_WAIT)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
