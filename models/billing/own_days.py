"""Counts our delivered messages of some days by number, country, category and type, to be compared with Meta's own count."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.billing.answers import priced_answers
from models.billing.months import Period, day_begins
from models.billing.price_area import country_of
from models.billing.price_types import REGULAR, is_billable
from models.billing.rate_cards import SERVICE, day_of, plain_category, read_prices
from models.billing.spending import WAITS, amount_of, groups_by_period
from models.tables.billing import Spending
from models.tables.campaign import Campaign
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_try import RecipientTry

UNTOLD = "untold"
"""The type of delivered messages of which Meta has not said whether they are billed."""


class DayKey(NamedTuple):
    """By what both counts are compared. `phone` has the digits of our number."""

    begin: datetime
    phone: str
    country: str
    category: str
    pricing_type: str


@dataclass(slots=True)
class OwnCount:
    """Delivered messages, what those of known price cost in millionths of the account's currency, and the others."""

    volume: int = 0
    cost: int = 0
    unpriced: int = 0


Days = Sequence[tuple[datetime, datetime]]
"""(begin, end), in order, without overlap."""


def own_counts(session: Session, waba_pk: int, currency: str | None, days: Days) -> dict[DayKey, OwnCount]:
    """Count an account's messages that were received within the days; costs in another currency than `currency` are unknown."""
    phones = {
        row.id: digits_of(row.display_phone)
        for row in session.execute(select(Number.id, Number.display_phone).where(Number.waba_id == waba_pk))
    }
    counts: dict[DayKey, OwnCount] = {}
    for counted in (*_of_campaigns(session, phones, days), *_of_answers(session, phones, days)):
        found = counts.setdefault(counted.key, OwnCount())
        found.volume += counted.number
        is_known = counted.is_free or (counted.amount is not None and counted.currency == currency)
        found.unpriced += 0 if is_known else counted.number
        found.cost += (counted.amount or 0) if is_known else 0
    return counts


def without_phones(counts: dict[DayKey, OwnCount]) -> dict[DayKey, OwnCount]:
    """Add up the counts of all numbers, for where Meta names none."""
    sums: dict[DayKey, OwnCount] = {}
    for key, count in counts.items():
        found = sums.setdefault(key._replace(phone=""), OwnCount())
        found.volume += count.volume
        found.cost += count.cost
        found.unpriced += count.unpriced
    return sums


def digits_of(phone: str | None) -> str:
    """Return the digits of a number of ours."""
    return "".join(sign for sign in phone or "" if sign.isdigit())


class _Counted(NamedTuple):
    key: DayKey
    number: int
    amount: int | None
    currency: str | None
    is_free: bool


def _of_campaigns(session: Session, phones: dict[int, str], days: Days) -> Iterator[_Counted]:
    begin, end = days[0][0], days[-1][1]
    periods = _periods(days)
    query = (
        select(Spending, Campaign.number_id)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .where(
            Campaign.number_id.in_(phones),
            Campaign.started_at < end,
            or_(Campaign.last_sent_at.is_(None), Campaign.last_sent_at > begin - WAITS),
        )
    )
    for spending, number_id in session.execute(query).all():
        prices = read_prices(session, spending.card_id)
        groups = [groups_by_period(table, spending.campaign_id, periods) for table in (Recipient, RecipientTry)]
        for group in chain.from_iterable(map(session.execute, groups)):
            day = _day_at(days, periods[group.period].begin)
            if day is None or number_id is None or group.state is not RecipientState.ACCEPTED or not group.is_received:
                continue
            amount = None
            currency = group.cost_currency or prices.currency
            if is_billable(group):
                priced_on = periods[group.period].day
                amount = (
                    int(group.cost) if group.cost_currency else amount_of(group, prices, spending.category, priced_on)
                )
            key = _key(day, phones[number_id], group, spending.category)
            yield _Counted(key, group.number, amount, currency, is_billable(group) is False)


def _of_answers(session: Session, phones: dict[int, str], days: Days) -> Iterator[_Counted]:
    for begin, end in days:
        for group, amount, currency in priced_answers(session, begin, end):
            if group.number_id in phones:
                key = _key(begin, phones[group.number_id], group, SERVICE)
                yield _Counted(key, group.number, amount, currency, is_billable(group) is False)


def _key(begin: datetime, phone: str, group: Any, category: str) -> DayKey:
    billable = is_billable(group)
    kind = (group.pricing_type or "").lower() or (REGULAR if billable else UNTOLD if billable is None else "free")
    country = country_of(group.price_area or "") or ""
    return DayKey(begin, phone, country, plain_category(group.pricing_category or category), kind)


def _periods(days: Days) -> list[Period]:
    """The time before the days, the days divided at midnight in UTC, where prices change, and the time after them."""
    moments = {moment for day in days for moment in day}
    moments |= set(day_begins(days[0][0], days[-1][1]))
    first = days[0][0] - timedelta(days=1)
    return [Period(moment, day_of(moment), day_of(moment).replace(day=1)) for moment in (first, *sorted(moments))]


def _day_at(days: Iterable[tuple[datetime, datetime]], moment: datetime) -> datetime | None:
    return next((begin for begin, end in days if begin <= moment < end), None)
