"""Adds up the conversions of campaigns: people, orders, revenue and refunds, each currency apart."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models.billing.amount import show_milli
from models.conversions.goals import CampaignGoal, goals_of
from models.db.bulk import among
from models.tables.conversion import AttributionModel, Conversion
from models.tables.recipient import Recipient


class MoneySum(NamedTuple):
    """An amount in one currency, in thousandths. Amounts of different currencies are never added."""

    milli: int
    currency: str

    def to_json(self) -> dict[str, str]:
        """The public form of money."""
        return {"amount": self.amount, "currency": self.currency}

    @property
    def amount(self) -> str:
        """The amount as text, with at least two decimals."""
        return show_milli(self.milli)


@dataclass(slots=True)
class ConversionSums:
    """What conversions add up to. `revenue` is net of `refunds`; both only of orders that count for a goal with value."""

    people: int = 0
    orders: int = 0
    revenue: list[MoneySum] = field(default_factory=list)
    """By currency, sorted."""
    refunds: list[MoneySum] = field(default_factory=list)

    def add(self, net: MoneySum, refunded_milli: int = 0) -> None:
        """Add money to that of its currency."""
        _add_to(self.revenue, net)
        if refunded_milli:
            _add_to(self.refunds, MoneySum(refunded_milli, net.currency))


@dataclass(slots=True)
class CampaignConversions:
    """The conversions of one campaign in one model. `by_goal` is in the order of `goals`."""

    goals: Sequence[CampaignGoal]
    whole: ConversionSums
    by_goal: Sequence[ConversionSums]

    def counting(self, day: int) -> Iterator[ConversionSums]:
        """The sums in which an order of this day after the acceptance counts."""
        yield self.whole
        yield from (sums for goal, sums in zip(self.goals, self.by_goal, strict=True) if day <= goal.within_days)

    def paying(self, day: int) -> Iterator[ConversionSums]:
        """Those in which its money counts."""
        has_value = [goal.has_value and day <= goal.within_days for goal in self.goals]
        if any(has_value):
            yield self.whole
        yield from (sums for pays, sums in zip(has_value, self.by_goal, strict=True) if pays)


def conversions_of(
    session: Session, campaign_ids: Collection[int], model: AttributionModel = AttributionModel.LAST_TOUCH
) -> dict[int, CampaignConversions]:
    """The conversions by campaign. A campaign without goals is absent."""
    goals = goals_of(session, campaign_ids)
    if not goals:
        return {}
    found = {
        campaign_id: CampaignConversions(of_campaign, ConversionSums(), [ConversionSums() for _ in of_campaign])
        for campaign_id, of_campaign in goals.items()
    }
    is_theirs = and_(among(session, Conversion.campaign_id, found), Conversion.model == model)
    for row in session.execute(_people_by_day(is_theirs)):
        for sums in found[row.campaign_id].counting(row.day):
            sums.people += row.people
    for row in session.execute(_money_by_day(is_theirs)):
        conversions = found[row.campaign_id]
        for sums in conversions.counting(row.within_days):
            sums.orders += row.orders
        for sums in conversions.paying(row.within_days):
            sums.add(MoneySum(int(row.total - row.refunded), row.currency), int(row.refunded))
    return found


def sums_by_cohort(session: Session, campaign_ids: Collection[int]) -> dict[int, ConversionSums]:
    """The same by cohort, of last touch. People without a cohort are in none of them."""
    if not campaign_ids:
        return {}
    is_theirs = _last_touch(among(session, Conversion.campaign_id, campaign_ids))
    columns = (Recipient.cohort_id, Conversion.currency, Conversion.has_value)
    of_cohort = select(*columns).select_from(Conversion).join(Recipient, Recipient.id == Conversion.recipient_id)
    of_cohort = of_cohort.where(is_theirs, Recipient.cohort_id.is_not(None))
    found: dict[int, ConversionSums] = {}
    for row in session.execute(of_cohort.add_columns(*_sums()).group_by(*columns)):
        sums = found.setdefault(row.cohort_id, ConversionSums())
        sums.orders += row.orders
        if row.has_value:
            sums.add(MoneySum(int(row.total - row.refunded), row.currency), int(row.refunded))
    number = func.count(Conversion.recipient_id.distinct()).label("people")
    people = of_cohort.with_only_columns(Recipient.cohort_id, number).group_by(Recipient.cohort_id)
    for row in session.execute(people):
        found[row.cohort_id].people = row.people
    return found


def sums_of_recipients(session: Session, recipient_ids: Collection[int]) -> dict[int, tuple[datetime, list[MoneySum]]]:
    """When each first ordered, and their revenue, of last touch. A recipient without a conversion is absent."""
    columns = (Conversion.recipient_id, Conversion.ordered_at, Conversion.currency, Conversion.has_value)
    net = (Conversion.total_milli - Conversion.refunded_milli).label("net")
    query = select(*columns, net).where(_last_touch(among(session, Conversion.recipient_id, recipient_ids)))
    found: dict[int, tuple[datetime, list[MoneySum]]] = {}
    for row in session.execute(query.order_by(Conversion.ordered_at)):
        _, money = found.setdefault(row.recipient_id, (row.ordered_at, []))
        if row.has_value:
            _add_to(money, MoneySum(row.net, row.currency))
    return found


def _last_touch(condition: Any) -> Any:
    return and_(condition, Conversion.model == AttributionModel.LAST_TOUCH)


def _people_by_day(is_theirs: Any) -> Any:
    """People by the day of the earliest of their orders, which counts for the most goals."""
    first = select(Conversion.campaign_id, func.min(Conversion.within_days).label("day")).where(is_theirs)
    of_person = first.group_by(Conversion.campaign_id, Conversion.recipient_id).subquery()
    columns = (of_person.c.campaign_id, of_person.c.day)
    return select(*columns, func.count().label("people")).group_by(*columns)


def _money_by_day(is_theirs: Any) -> Any:
    columns = (Conversion.campaign_id, Conversion.within_days, Conversion.currency)
    return select(*columns, *_sums()).where(is_theirs).group_by(*columns)


def _sums() -> Sequence[Any]:
    return (
        func.count().label("orders"),
        func.sum(Conversion.total_milli).label("total"),
        func.sum(Conversion.refunded_milli).label("refunded"),
    )


def _add_to(amounts: list[MoneySum], added: MoneySum) -> None:
    sums = {money.currency: money.milli for money in amounts}
    sums[added.currency] = sums.get(added.currency, 0) + added.milli
    amounts[:] = [MoneySum(milli, currency) for currency, milli in sorted(sums.items())]
