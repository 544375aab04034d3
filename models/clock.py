"""The one place that reads the clock. Rules never call it: `now` is handed to them."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


def from_unix(seconds: int | str) -> datetime:
    """A webhook's timestamp (Unix seconds, a string in statuses and messages, an integer elsewhere)."""
    return datetime.fromtimestamp(int(seconds), UTC)
