"""A campaign's curve: how many people were sent the message, received, read and answered it in each minute, hour or day."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from models.results.figures import FACTS

MINUTES_FOR = 24 * 60
"""Minutes are kept for a day since the first message, hours for good."""


class Resolution(StrEnum):
    """How long a point of the curve is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Point:
    """The people of one minute, hour or day, by fact. `at`: its beginning."""

    at: datetime
    people: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Curve:
    """By fact: people per minute (of the epoch) of the first day, and per hour of the whole time."""

    minutes: Mapping[str, Mapping[int, int]]
    hours: Mapping[str, Mapping[int, int]]

    @classmethod
    def of(cls, moments: Mapping[str, Mapping[int, int]]) -> "Curve":
        """The curve of the people per minute."""
        first = min((minute for minutes in moments.values() for minute in minutes), default=0)
        hours: dict[str, Counter[int]] = {fact: Counter() for fact in FACTS}
        for fact, minutes in moments.items():
            for minute, people in minutes.items():
                hours[fact][minute // 60] += people
        early = {
            fact: {minute: people for minute, people in moments.get(fact, {}).items() if minute < first + MINUTES_FOR}
            for fact in FACTS
        }
        return cls(early, hours)

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            name: {fact: [list(pair) for pair in sorted(part.get(fact, {}).items())] for fact in FACTS}
            for name, part in (("minutes", self.minutes), ("hours", self.hours))
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Curve":
        """The curve that `to_json` wrote."""
        parts = [{fact: dict(stored[name].get(fact, ())) for fact in FACTS} for name in ("minutes", "hours")]
        return cls(*parts)

    @property
    def begun(self) -> datetime | None:
        """The hour in which the first message was accepted; None before."""
        first = min(self.hours["sent"], default=None)
        return None if first is None else datetime.fromtimestamp(first * 3600, UTC)

    def resolution(self) -> Resolution:
        """The finest one that shows the whole: minutes for three hours, hours for four days, else days."""
        hours = [hour for part in self.hours.values() for hour in part]
        span = max(hours) - min(hours) + 1 if hours else 0
        if span <= 3:
            return Resolution.MINUTE
        return Resolution.HOUR if span <= 96 else Resolution.DAY

    def points(self, resolution: Resolution, zone: tzinfo) -> list[Point]:
        """The points from the first to the last with anybody, those without between them; days are the zone's."""
        part, seconds = (self.minutes, 60) if resolution is Resolution.MINUTE else (self.hours, 3600)
        sums: dict[datetime, Counter[str]] = {}
        for fact, counts in part.items():
            for number, people in counts.items():
                at = datetime.fromtimestamp(number * seconds, UTC).astimezone(zone)
                if resolution is Resolution.DAY:
                    at = at.replace(hour=0, minute=0)
                sums.setdefault(at, Counter())[fact] += people
        if not sums:
            return []
        return [
            Point(at, {fact: sums.get(at, Counter())[fact] for fact in FACTS}) for at in _steps(sums, resolution, zone)
        ]

    def since_start(self) -> dict[str, list[int]]:
        """By fact: people up to the end of each hour since the first message."""
        hours = [hour for part in self.hours.values() for hour in part]
        if not hours:
            return {fact: [] for fact in FACTS}
        first, last = min(hours), max(hours)
        found: dict[str, list[int]] = {}
        for fact in FACTS:
            people = 0
            found[fact] = [people := people + self.hours[fact].get(hour, 0) for hour in range(first, last + 1)]
        return found


def _steps(sums: Mapping[datetime, Any], resolution: Resolution, zone: tzinfo) -> list[datetime]:
    first, last = min(sums), max(sums)
    step = {Resolution.MINUTE: timedelta(minutes=1), Resolution.HOUR: timedelta(hours=1)}.get(resolution)
    found = [first]
    while found[-1] < last:
        if step is None:  # days of the zone: some have 23 hours, some 25
            found.append(found[-1] + timedelta(days=1))
        else:
            found.append((found[-1].astimezone(UTC) + step).astimezone(zone))
    return found
