"""What rows of every kind need: a time, and numbers that no other row has."""

from datetime import UTC, datetime
from itertools import count

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_serial = count(1000)


def next_serial() -> int:
    """A number that no other row of this process was given."""
    return next(_serial)
