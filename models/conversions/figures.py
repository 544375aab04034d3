"""Adds up the conversions of campaigns: people, orders, revenue and refunds, each currency apart."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from models.billing.amount import MICRO, show_amount
from models.conversions.goals import CampaignGoal, goals_of
from models.db.bulk import among
from models.tables.conversion import AttributionModel, Conversion
from models.tables.goal import Goal
from models.tables.order import MILLI
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
        return show_amount(self.milli * (MICRO // MILLI))


@dataclass(slots=True)
class ConversionSums:
    """What conversions add up to. `revenue` is net of `refunds`; both only of orders that count for a goal with value."""

    people: int = 0
    orders: int = 0
    revenue: list[MoneySum] = field(default_factory=list)
    refunds: list[MoneySum] = field(default_factory=list)


@dataclass(slots=True)
class CampaignConversions:
    """The conversions of one campaign in one model. `by_goal` is in the order of `goals`."""

    goals: Sequence[CampaignGoal]
    whole: ConversionSums
    by_goal: Sequence[ConversionSums]


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
    whole = select(Conversion.campaign_id).where(is_theirs).group_by(Conversion.campaign_id)
    for row in session.execute(_people(whole)):
        sums = found[row.campaign_id].whole
        sums.people, sums.orders = row.people, row.orders
    for row in session.execute(_money(whole)):
        _add_money(found[row.campaign_id].whole, row)
    _add_goals(session, found, is_theirs)
    return found


def sums_by_cohort(session: Session, campaign_ids: Collection[int]) -> dict[int, ConversionSums]:
    """The same by cohort, of last touch. People without a cohort are in none of them."""
    if not campaign_ids:
        return {}
    is_theirs = and_(
        among(session, Conversion.campaign_id, campaign_ids), Conversion.model == AttributionModel.LAST_TOUCH
    )
    of_cohort = (
        select(Recipient.cohort_id).select_from(Conversion).join(Recipient, Recipient.id == Conversion.recipient_id)
    )
    each = of_cohort.where(is_theirs, Recipient.cohort_id.is_not(None)).group_by(Recipient.cohort_id)
    found = {row.cohort_id: ConversionSums(row.people, row.orders) for row in session.execute(_people(each))}
    for row in session.execute(_money(each)):
        _add_money(found[row.cohort_id], row)
    return found


def sums_of_recipients(session: Session, recipient_ids: Collection[int]) -> dict[int, tuple[datetime, list[MoneySum]]]:
    """When each first ordered, and their revenue, of last touch. A recipient without a conversion is absent."""
    is_theirs = and_(
        among(session, Conversion.recipient_id, recipient_ids), Conversion.model == AttributionModel.LAST_TOUCH
    )
    columns = (Conversion.recipient_id, Conversion.ordered_at, Conversion.currency, Conversion.has_value)
    net = (Conversion.total_milli - Conversion.refunded_milli).label("net")
    first: dict[int, datetime] = {}
    money: dict[int, Counter[str]] = {}
    for row in session.execute(select(*columns, net).where(is_theirs)):
        first[row.recipient_id] = min(first.get(row.recipient_id, row.ordered_at), row.ordered_at)
        if row.has_value:
            money.setdefault(row.recipient_id, Counter())[row.currency] += row.net
    return {
        key: (at, [MoneySum(milli, currency) for currency, milli in sorted(money.get(key, Counter()).items())])
        for key, at in first.items()
    }


def _add_goals(session: Session, found: dict[int, CampaignConversions], is_theirs: Any) -> None:
    of_goal = and_(Goal.campaign_id == Conversion.campaign_id, Conversion.within_days <= Goal.within_days)
    columns = (Conversion.campaign_id, Goal.place)
    each = select(*columns).join(Goal, of_goal).where(is_theirs).group_by(*columns)
    for row in session.execute(_people(each)):
        sums = found[row.campaign_id].by_goal[row.place]
        sums.people, sums.orders = row.people, row.orders
    for row in session.execute(_money(each.where(Goal.has_value))):
        _add_money(found[row.campaign_id].by_goal[row.place], row)


def _people(query: Any) -> Any:
    people = func.count(Conversion.recipient_id.distinct())
    return query.add_columns(people.label("people"), func.count().label("orders"))


def _money(query: Any) -> Any:
    """Sums by currency. An order outside of every goal with value brings no money."""
    net = func.sum(case((Conversion.has_value, Conversion.total_milli - Conversion.refunded_milli), else_=0))
    refunds = func.sum(case((Conversion.has_value, Conversion.refunded_milli), else_=0))
    valued = func.sum(case((Conversion.has_value, 1), else_=0))
    columns = (Conversion.currency, net.label("net"), refunds.label("refunds"))
    return query.add_columns(*columns).group_by(Conversion.currency).having(valued > 0).order_by(Conversion.currency)


def _add_money(sums: ConversionSums, row: Any) -> None:
    sums.revenue.append(MoneySum(int(row.net), row.currency))
    if row.refunds:
        sums.refunds.append(MoneySum(int(row.refunds), row.currency))
