"""Reads the clock. Rules never do: callers pass `now` to them."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SMOOTHED = timedelta(hours=2)
"""A clock that is set back by more than that was so wrong before that its time must not go on."""

_last: list[tuple[datetime, float]] = []
"""What `utcnow` returned last in this process, and the monotonic clock then."""


def utcnow() -> datetime:
    """Return the current time, timezone-aware, in UTC. Within a process it does not go back.

    Where the machine's clock is set back, by up to `SMOOTHED`, time goes on at half its speed until the clock has caught up. Else
    what is due would not be due any more, and what was done would be done again.
    """
    wall, monotonic = wall_clock(), time.monotonic()
    if _last:
        before, then = _last[-1]
        floor = before + timedelta(seconds=(monotonic - then) / 2)
        if wall < floor <= wall + SMOOTHED:
            wall = floor
    _last[:] = [(wall, monotonic)]
    return wall


def wall_clock() -> datetime:
    """Return what the machine's clock shows, in UTC, wherever it was set to."""
    return datetime.now(UTC)


def from_unix(seconds: int | str) -> datetime:
    """Convert a webhook's timestamp: Unix seconds, a string in statuses and messages, an integer elsewhere.

    Raises ValueError or OverflowError if it is no time.
    """
    return datetime.fromtimestamp(int(seconds), UTC)


def zoned(moment: datetime, time_zone: str) -> str:
    """Return a time as text in a zone, with the zone's name: `2026-11-24 07:00 Europe/Madrid`."""
    return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} {time_zone}"
