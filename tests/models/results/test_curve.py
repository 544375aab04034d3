"""The points of a curve, and how long they are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from models.results.curve import MINUTES_FOR, Curve, Resolution

START = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
MINUTE = int(START.timestamp()) // 60


def _curve(**moments: dict[int, int]) -> Curve:
    return Curve.of({fact: {MINUTE + minute: people for minute, people in at.items()} for fact, at in moments.items()})


def test_points_without_anybody_stand_between_the_others() -> None:
    points = _curve(sent={0: 5, 2: 1}, read={3: 2}).points(Resolution.MINUTE, UTC)
    assert [(point.at - START).seconds for point in points] == [0, 60, 120, 180]
    assert [(point.people["sent"], point.people["read"]) for point in points] == [(5, 0), (0, 0), (1, 0), (0, 2)]


def test_minutes_are_kept_for_a_day_and_hours_for_good() -> None:
    curve = _curve(sent={0: 1}, read={MINUTES_FOR - 1: 1, MINUTES_FOR: 1})
    assert [sum(part["read"].values()) for part in (curve.minutes, curve.hours)] == [1, 2]
    assert Curve.from_json(curve.to_json()) == curve


def test_days_are_those_of_the_zone_also_where_the_clocks_change() -> None:
    madrid = ZoneInfo("Europe/Madrid")  # the 25th of October 2026 has 25 hours there
    points = _curve(sent={0: 1, 24 * 60: 2, 25 * 60: 4}).points(Resolution.DAY, madrid)
    assert [(f"{point.at:%Y-%m-%d %H:%M}", point.people["sent"]) for point in points] == [
        ("2026-10-25 00:00", 3),
        ("2026-10-26 00:00", 4),
    ]
    hours = _curve(sent={0: 1, 180: 1}).points(Resolution.HOUR, madrid)
    assert [f"{point.at:%H}" for point in hours] == ["00", "01", "02", "02"]


def test_the_resolution_follows_from_the_length() -> None:
    assert _curve(sent={0: 1}).resolution() is Resolution.MINUTE
    assert _curve(sent={0: 1, 60 * 30: 1}).resolution() is Resolution.HOUR
    assert _curve(sent={0: 1, 60 * 24 * 9: 1}).resolution() is Resolution.DAY
    assert (Curve.of({}).resolution(), Curve.of({}).points(Resolution.DAY, UTC)) == (Resolution.MINUTE, [])


def test_people_since_the_start_only_grow() -> None:
    since = _curve(sent={0: 5, 60: 5}, read={61: 1, 200: 3}).since_start()
    assert since["sent"] == [5, 10, 10, 10]
    assert since["read"] == [0, 1, 1, 4]
    assert Curve.of({}).since_start()["sent"] == []
    assert _curve(sent={0: 1}).begun == START - timedelta(minutes=30)
