"""Reads the clock. Rules never do: callers pass `now` to them."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return the current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def from_unix(seconds: int | str) -> datetime:
    """Convert a webhook's timestamp: Unix seconds, a string in statuses and messages, an integer elsewhere.

    Raises ValueError or OverflowError if it is no time.
    """
    return datetime.fromtimestamp(int(seconds), UTC)
