"""Formats moments, durations and numbers for people."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup


def when(moment: datetime | None, zone: str, now: datetime) -> Markup:
    """`14:03` today, `21 Nov 14:03` this year, else with the year too, in the time zone `zone`; the exact moment is the tooltip."""
    if moment is None:
        return Markup("–")
    local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    clock = f"{local:%H:%M}"
    if local.date() == today.date():
        shown = clock
    elif local.date() == (today - timedelta(days=1)).date():
        shown = f"yesterday {clock}"
    elif local.year == today.year:
        shown = f"{local.day} {local:%b} {clock}"
    else:
        shown = f"{local.day} {local:%b %Y} {clock}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), f"{local:%Y-%m-%d %H:%M:%S} {zone}", shown
    )


def full_moment(moment: datetime | None, zone: str) -> Markup:
    """`Tue 1 Dec 2026, 10:00 Europe/Madrid`: for what is still to happen, where day, hour and time zone matter."""
    if moment is None:
        return Markup("–")
    local = moment.astimezone(ZoneInfo(zone))
    shown = f"{local:%a} {local.day} {local:%b %Y, %H:%M} {zone}"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), shown)


def span(seconds: float) -> str:
    """A duration in its largest units: `3 s`, `5 min`, `2 h 10 min`, `4 days`, `2 days 12 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        minutes = whole % 3600 // 60
        return f"{whole // 3600} h {minutes} min" if minutes else f"{whole // 3600} h"
    hours = whole % 86_400 // 3600
    return f"{whole // 86_400} days {hours} h" if hours else f"{whole // 86_400} days"


def ago(moment: datetime | None, now: datetime) -> str:
    """`just now`, `5 min ago`, `in 5 min`; `never` for None."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return f"in {span(-seconds)}"
    return "just now" if seconds < 5 else f"{span(seconds)} ago"


def number(value: int | float | None) -> str:
    """The number with a thin space between thousands; a dash for None."""
    if value is None:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    return text.replace(",", "\u202f")


def percent(part: float, whole: float) -> str:
    """A part of a whole in percent, with one decimal; a dash if the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def plain(value: float | str) -> str:
    """A number as a person types it: 20, not 20.0."""
    return f"{value:g}" if isinstance(value, int | float) else value
