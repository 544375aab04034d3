"""Rates over time across campaigns, and by type, number, template, language, segment, weekday and hour, like compared to like.

All of it is read from the sums by hour (ResultHour), so it takes the same time whatever the number of recipients is. Only one type
of campaign is looked at at once, and messages count from a day after they were sent: before, most who will read them have not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.results.intervals import Rate, Verdict
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
class Row:
    """The people of one week, number, template, …"""

    label: str
    people: Counter[str] = field(default_factory=Counter)
    campaigns: set[int] = field(default_factory=set)

    def rate(self, measure: Measure) -> Rate:
        """The rate of these people."""
        return Rate(self.people[measure.value], self.people[measure.of])


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
    whole: Row
    weeks: tuple[Row, ...]
    by_type: tuple[Row, ...]
    by: Mapping[Dimension, tuple[Row, ...]]

    def verdict(self, row: Row, measure: Measure) -> Verdict:
        """How a row compares with everybody else of the type."""
        rest = Row("", Counter({name: self.whole.people[name] - row.people[name] for name in NAMES}))
        return row.rate(measure).against(rest.rate(measure))


def read_trends(session: Session, chosen: TrendFilter, now: datetime, zone: tzinfo) -> Trends:
    """The trends of real campaigns; weeks, weekdays and hours are those of `zone`."""
    campaigns = _campaigns(session, chosen.number_id)
    cells = session.execute(
        select(ResultHour.campaign_id, ResultHour.language, ResultHour.hour, *(getattr(ResultHour, it) for it in NAMES))
        .where(ResultHour.hour >= chosen.since, ResultHour.hour < min(chosen.until, now - SETTLES))
        .order_by(ResultHour.hour)
    )
    rows = [(campaigns[cell.campaign_id], cell) for cell in cells if cell.campaign_id in campaigns]
    by_type = _gather(rows, lambda campaign, _: [campaign.type.value if campaign.type else ""])
    kind = chosen.type or _largest(by_type)
    rows = [(campaign, cell) for campaign, cell in rows if campaign.type == kind]
    local = {cell.hour: cell.hour.astimezone(zone) for _, cell in rows}
    split: Mapping[Dimension, Callable[[Any, Any], list[str]]] = {
        Dimension.NUMBER: lambda campaign, _: [campaign.number or "–"],
        Dimension.TEMPLATE: lambda campaign, _: [campaign.template or "–"],
        Dimension.LANGUAGE: lambda _, cell: [cell.language or "–"],
        Dimension.SEGMENT: lambda campaign, _: _segments(campaign.audience),
        Dimension.WEEKDAY: lambda _, cell: [WEEKDAYS[local[cell.hour].weekday()]],
        Dimension.HOUR: lambda _, cell: [f"{local[cell.hour].hour:02}:00"],
    }
    by = {name: _gather(rows, labels) for name, labels in split.items()}
    return Trends(
        kind,
        next(iter(_gather(rows, lambda *_: [""]).values()), Row("")),
        tuple(_in_order(_gather(rows, lambda _, cell: [_monday(local[cell.hour])]), sorted)),
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


def _gather(rows: Iterable[tuple[Any, Any]], labels: Callable[[Any, Any], list[str]]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for campaign, cell in rows:
        for label in labels(campaign, cell):
            row = found.get(label) or found.setdefault(label, Row(label))
            row.campaigns.add(campaign.id)
            for name in NAMES:
                row.people[name] += getattr(cell, name)
    return found


def _largest(by_type: Mapping[str, Row]) -> CampaignType | None:
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


def _in_order(found: Mapping[str, Row], order: Callable[[Iterable[str]], list[str]]) -> list[Row]:
    return [found[label] for label in order(found)]


def _order_of(name: Dimension) -> Callable[[Iterable[str]], list[str]]:
    if name is Dimension.WEEKDAY:
        return lambda labels: sorted(labels, key=WEEKDAYS.index)
    return sorted
