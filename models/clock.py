"""Reads the clock. Rules never do: callers pass `now` to them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def utcnow() -> datetime:
    """Return the current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def from_unix(seconds: int | str) -> datetime:
    """Convert a webhook's timestamp: Unix seconds, a string in statuses and messages, an integer elsewhere.

    Raises ValueError or OverflowError if it is no time.
    """
    return datetime.fromtimestamp(int(seconds), UTC)


def zoned(moment: datetime, time_zone: str) -> str:
    """Return a time as text in a zone, with the zone's name: `2026-11-24 07:00 Europe/Madrid`."""
    return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} {time_zone}"
