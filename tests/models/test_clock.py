"""Time within a process."""

from datetime import timedelta

import pytest

from models import clock
from models.clock import utcnow, wall_clock


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """By how much the machine's clock is set off; the last one counts."""
    by = [timedelta(0)]
    monkeypatch.setattr(clock, "_last", [])
    monkeypatch.setattr(clock, "wall_clock", lambda: wall_clock() + by[-1])
    return by


def test_time_goes_on_where_the_clock_is_set_back_by_an_hour(shift: list[timedelta]) -> None:
    before = utcnow()
    shift.append(timedelta(hours=-1))
    first, second = utcnow(), utcnow()
    assert before <= first <= second
    assert second - before < timedelta(seconds=1)


def test_time_follows_a_clock_that_was_far_ahead(shift: list[timedelta]) -> None:
    shift.append(timedelta(days=8))
    assert utcnow() - wall_clock() > timedelta(days=7)
    shift.append(timedelta(0))
    assert abs(utcnow() - wall_clock()) < timedelta(seconds=1)
