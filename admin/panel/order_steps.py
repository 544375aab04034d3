"""Tells in one line what happened with a message before an order that belongs to it, and when."""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo


def tell_steps(steps: Iterable[tuple[str, datetime]], zone: str) -> str:
    """`delivered 22 Nov 2026 10:00, read 10:02, ordered 23 Nov 11:40`: a day is named where it changes, in the time zone `zone`."""
    told, last = [], None
    for word, at in steps:
        local = at.astimezone(ZoneInfo(zone))
        told.append(f"{word} {_day(local.date(), last)}{local:%H:%M}")
        last = local.date()
    return ", ".join(told)


def _day(day: date, last: date | None) -> str:
    if day == last:
        return ""
    is_same_year = last is not None and last.year == day.year
    return f"{day.day} {day:%b} " if is_same_year else f"{day.day} {day:%b %Y} "
