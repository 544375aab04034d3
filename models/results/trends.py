"""Rates over time across campaigns, and by type, number, template, language, segment, weekday and hour, like compared to like.

All of it is read from the sums by hour (ResultHour), so it takes the same time whatever the number of recipients is. Only one type
of campaign is looked at at once, and messages count from a day after they were sent: before, most who will read them have not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from operator import add
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.results.intervals import PeopleShare, Verdict
from models.results.roll_up import NAMES
from models.tables.campaign import Campaign, CampaignKind, CampaignType
from models.tables.number import Number
from models.tables.result import ResultHour
from models.tables.template import Template

SETTLES = timedelta(hours=24)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_SEGMENT = "–"


class Measure(StrEnum):
    """A rate that trends and comparisons show."""

    DELIVERED = "delivered"
    READ = "read"
    CLICKED = "clicked"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"

    @property
    def of(self) -> str:
        """Of which people it is a part."""
        return "sent" if self is Measure.DELIVERED else "delivered"


class Dimension(StrEnum):
    """By what rates are split."""

    NUMBER = "number"
    TEMPLATE = "template"
    LANGUAGE = "language"
    SEGMENT = "segment"
    WEEKDAY = "weekday"
    HOUR = "hour"


@dataclass
class TrendRow:
    """The people of one week, number, template, …"""

    label: str
    people: Counter[str] = field(default_factory=Counter)
    campaigns: set[int] = field(default_factory=set)

    def rate(self, measure: Measure) -> PeopleShare:
        """The rate of these people."""
        return PeopleShare(self.people[measure.value], self.people[measure.of])


@dataclass(frozen=True)
class TrendFilter:
    """What trends look at. `type`: None for the one with the most people."""

    since: datetime
    until: datetime
    type: CampaignType | None = None
    number_id: int | None = None


@dataclass(frozen=True)
class Trends:
    """`weeks` are labelled by their Monday. `by_type` is of all types, the others of `type` alone."""

    type: CampaignType | None
    whole: TrendRow
    weeks: tuple[TrendRow, ...]
    by_type: tuple[TrendRow, ...]
    by: Mapping[Dimension, tuple[TrendRow, ...]]

    def verdict(self, row: TrendRow, measure: Measure) -> Verdict:
        """How a row compares with everybody else of the type."""
        rest = TrendRow("", Counter({name: self.whole.people[name] - row.people[name] for name in NAMES}))
        return row.rate(measure).against(rest.rate(measure))


class _Cell(NamedTuple):
    """The sums, in the order of NAMES, of a campaign and one language or hour."""

    campaign: Any
    value: Any
    sums: tuple[int, ...]


def read_trends(session: Session, chosen: TrendFilter, now: datetime, zone: tzinfo) -> Trends:
    """The trends of real campaigns; weeks, weekdays and hours are those of `zone`."""
    campaigns = _campaigns(session, chosen.number_id)
    until = min(chosen.until, now - SETTLES)
    is_inside = (ResultHour.hour >= chosen.since, ResultHour.hour < until)

    def sums_by(column: Any) -> list[_Cell]:
        keys = (ResultHour.campaign_id, column)
        query = select(*keys, *(func.sum(getattr(ResultHour, name)) for name in NAMES)).where(*is_inside)
        rows = session.execute(query.group_by(*keys).order_by(*keys))
        return [_Cell(campaigns[key], value, tuple(map(int, sums))) for key, value, *sums in rows if key in campaigns]

    by_language = sums_by(ResultHour.language)
    by_type = _gather(by_language, lambda cell: [cell.campaign.type.value if cell.campaign.type else ""])
    kind = chosen.type or _largest(by_type)
    by_language = [cell for cell in by_language if cell.campaign.type == kind]
    by_hour = [cell for cell in sums_by(ResultHour.hour) if cell.campaign.type == kind]
    local = {cell.value: cell.value.astimezone(zone) for cell in by_hour}
    split: Mapping[Dimension, tuple[list[_Cell], Callable[[_Cell], list[str]]]] = {
        Dimension.NUMBER: (by_language, lambda cell: [cell.campaign.number or "–"]),
        Dimension.TEMPLATE: (by_language, lambda cell: [cell.campaign.template or "–"]),
        Dimension.LANGUAGE: (by_language, lambda cell: [cell.value or "–"]),
        Dimension.SEGMENT: (by_language, lambda cell: _segments(cell.campaign.audience)),
        Dimension.WEEKDAY: (by_hour, lambda cell: [WEEKDAYS[local[cell.value].weekday()]]),
        Dimension.HOUR: (by_hour, lambda cell: [f"{local[cell.value].hour:02}:00"]),
    }
    by = {name: _gather(cells, labels) for name, (cells, labels) in split.items()}
    return Trends(
        kind,
        next(iter(_gather(by_language, lambda _: [""]).values()), TrendRow("")),
        tuple(_in_order(_gather(by_hour, lambda cell: [_monday(local[cell.value])]), sorted)),
        tuple(_in_order(by_type, sorted)),
        {name: tuple(_in_order(found, _order_of(name))) for name, found in by.items()},
    )


def _campaigns(session: Session, number_id: int | None) -> dict[int, Any]:
    query = (
        select(
            Campaign.id,
            Campaign.type,
            Campaign.audience,
            Number.name.label("number"),
            Template.name.label("template"),
        )
        .outerjoin(Number, Number.id == Campaign.number_id)
        .outerjoin(Template, Template.id == Campaign.template_id)
        .where(Campaign.kind == CampaignKind.REAL, Campaign.deleted_at.is_(None), Campaign.started_at.is_not(None))
    )
    if number_id is not None:
        query = query.where(Campaign.number_id == number_id)
    return {row.id: row for row in session.execute(query)}


def _gather(cells: Iterable[_Cell], labels: Callable[[_Cell], list[str]]) -> dict[str, TrendRow]:
    sums: dict[str, list[int]] = {}
    campaigns: dict[str, set[int]] = {}
    for cell in cells:
        for label in labels(cell):
            before = sums.get(label)
            sums[label] = list(map(add, before, cell.sums)) if before else list(cell.sums)
            campaigns.setdefault(label, set()).add(cell.campaign.id)
    return {
        label: TrendRow(label, Counter(dict(zip(NAMES, values, strict=True))), campaigns[label])
        for label, values in sums.items()
    }


def _largest(by_type: Mapping[str, TrendRow]) -> CampaignType | None:
    known = [row for label, row in by_type.items() if label]
    largest = max(known, key=lambda row: (row.people["sent"], row.label), default=None)
    return CampaignType(largest.label) if largest else None


def _segments(audience: Mapping[str, Any]) -> list[str]:
    """The segments that the audience includes. People of a campaign with two count under both."""
    include = audience.get("include")
    items = include if isinstance(include, list) else []
    names = {str(item["segment"]) for item in items if isinstance(item, dict) and item.get("segment")}
    return sorted(names) or [NO_SEGMENT]


def _monday(local: datetime) -> str:
    return (local.date() - timedelta(days=local.weekday())).isoformat()


def _in_order(found: Mapping[str, TrendRow], order: Callable[[Iterable[str]], list[str]]) -> list[TrendRow]:
    return [found[label] for label in order(found)]


def _order_of(name: Dimension) -> Callable[[Iterable[str]], list[str]]:
    if name is Dimension.WEEKDAY:
        return lambda labels: sorted(labels, key=WEEKDAYS.index)
    return sorted
