"""When a lane may begin the requests of one campaign."""

from collections import deque

from jobs.sending.pace import Slot

CATCH_UP = 0.95
"""A lane that is a little late begins requests at most this much closer together than the pace says."""
LATE_SECONDS = 0.05
"""A moment that lies further back than this is missed: other lanes have theirs now, and a second would overflow."""


class Timetable:
    """The moments of every slot that this lane holds for a campaign, earliest first.

    Whoever is next takes the next moment, whichever slot it came from: a lane that missed some does not stand idle, and one
    that stalled does not begin two chunks side by side. Moments are of this process's monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self._moments: deque[tuple[float, float]] = deque()
        self._latest = 0.0

    def add(self, slot: Slot, size: int) -> None:
        """The first `size` moments of a slot. One that was reserved earlier may come later: its rows had to be claimed first."""
        interval = slot.interval_seconds
        found = [(slot.starts_at + index * interval, interval) for index in range(size)]
        self._moments = deque(sorted([*self._moments, *found]))

    def take(self, now: float) -> float | None:
        """The next moment that is not missed; None where another slot must be reserved first."""
        while self._moments:
            moment, interval = self._moments.popleft()
            if now - moment <= LATE_SECONDS:
                self._latest = max(moment, self._latest + CATCH_UP * interval)
                return self._latest
        return None
