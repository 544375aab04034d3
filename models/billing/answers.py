"""Sums what messages of bots and agents cost, by number and calendar month of the business's zone.

A message is charged once it was received and Meta's `pricing` says that it is billed: at the cost that Meta names, else at the
price of the rate card that was in force then. Which ones are the number's free ones of the month says Meta alone (docs/meta.md
§7.5). The sums come from the rows, so statuses that come late, twice or out of order cannot distort them.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, delete, func, literal, select
from sqlalchemy.orm import Session

from models.billing.charges import Charges, add_charge, store_answer_charges
from models.billing.months import month_begin, month_of, next_month
from models.billing.price_area import country_of
from models.billing.price_types import FREE_ENTRY_POINT, FREE_SERVICE, is_billable
from models.billing.rate_cards import SERVICE, Prices, day_of, read_prices
from models.billing.spending import amount_by_card
from models.db.dialect import NO_SYNC, insert_into
from models.tables.answer_cost import NO_CURRENCY, AnswerCost, AnswerSpending
from models.tables.billing import RateCard

COUNTED_FOR = timedelta(days=62)
"""Months that began longer ago are not counted again: Meta's statuses come within 30 days."""
KEPT_FOR = timedelta(days=130)
"""What Meta said of a message is kept for this long: all messages of a month that may still be counted are there."""


@dataclass(slots=True)
class AnswerSums:
    """The columns of `AnswerSpending`; `charged` in millionths, else messages."""

    charged: int = 0
    billed: int = 0
    unpriced: int = 0
    free: int = 0
    free_entry_point: int = 0
    free_other: int = 0
    untold: int = 0


Key = tuple[int, date, str]
"""Number id, first day of the month, currency."""


class CountedAnswers(NamedTuple):
    """The sums of a month, and what was charged by number id."""

    sums: dict[Key, AnswerSums]
    charges: dict[int, Charges]


def months_to_count(now: datetime, zone: ZoneInfo) -> list[date]:
    """Return the first days of the months whose sums may still change, oldest first."""
    months = [month_of(now - COUNTED_FOR, zone)]
    while months[-1] < month_of(now, zone):
        months.append(next_month(months[-1]))
    return months


def count_answers(session: Session, month: date, zone: ZoneInfo) -> CountedAnswers:
    """Compute the sums and charges of all numbers in a month, in one pass over the rows."""
    begin, end = month_begin(month, zone), month_begin(next_month(month), zone)
    cards = _cards(session)
    moments = _moments(cards, begin, end)
    counted = CountedAnswers({}, {})
    for group in session.execute(_groups(begin, end, moments)):
        moment = moments[group.period]
        prices = _card_at(cards, moment)
        currency = group.cost_currency or prices.currency or NO_CURRENCY
        amount = _amount(group, prices, moment) if is_billable(group) else None
        _add(counted.sums.setdefault((group.number_id, month, currency), AnswerSums()), group, amount)
        if is_billable(group):
            money = None if amount is None else (currency, amount)
            country, category = country_of(group.price_area or ""), group.pricing_category or SERVICE
            add_charge(counted.charges.setdefault(group.number_id, {}), month, country, category, money, group.number)
    return counted


def store_answer_sums(session: Session, month: date, counted: CountedAnswers, now: datetime) -> None:
    """Replace the stored sums and charges of a month by those that were computed at `now`, unless later ones are stored already."""
    rows = [
        {"number_id": number_id, "month": month, "currency": currency, "counted_at": now, **asdict(item)}
        for (number_id, _, currency), item in sorted(counted.sums.items())
    ]
    if rows:
        statement = insert_into(session, AnswerSpending.__table__)
        new = statement.excluded
        names = ("counted_at", *asdict(AnswerSums()))
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["number_id", "month", "currency"],
                set_={name: new[name] for name in names},
                where=AnswerSpending.counted_at <= new.counted_at,
            ),
            rows,
        )
    is_gone = (AnswerSpending.month == month, AnswerSpending.counted_at < now)
    session.execute(delete(AnswerSpending).where(*is_gone), execution_options=NO_SYNC)
    is_later = select(AnswerSpending.month).where(AnswerSpending.month == month, AnswerSpending.counted_at > now)
    if session.scalar(is_later.limit(1)) is None:
        store_answer_charges(session, month, counted.charges)


def stored_answer_sums(session: Session, month: date) -> dict[Key, AnswerSums]:
    """Return the stored sums of a month."""
    rows = session.scalars(select(AnswerSpending).where(AnswerSpending.month == month))
    names = asdict(AnswerSums())
    return {
        (row.number_id, row.month, row.currency): AnswerSums(**{name: getattr(row, name) for name in names})
        for row in rows
    }


def charged_answers(session: Session, currency: str) -> int:
    """Return what all answers were charged in this currency, in millionths."""
    total = session.scalar(select(func.sum(AnswerSpending.charged)).where(AnswerSpending.currency == currency))
    return int(total or 0)


def purge_answer_costs(session: Session, now: datetime, limit: int = 500) -> int:
    """Delete a slice of what Meta said of messages, once it changes no sum any more; the sums stay."""
    expired = AnswerCost.noted_at < now - KEPT_FOR
    ids = session.scalars(select(AnswerCost.message_id).where(expired).limit(limit)).all()
    if ids:
        session.execute(delete(AnswerCost).where(AnswerCost.message_id.in_(ids)), execution_options=NO_SYNC)
    return len(ids)


def _add(sums: AnswerSums, group: Any, amount: int | None) -> None:
    billable = is_billable(group)
    if billable is None:
        sums.untold += group.number
    elif billable:
        sums.billed += group.number
        sums.unpriced += group.number if amount is None else 0
        sums.charged += amount or 0
    elif (kind := (group.pricing_type or "").lower()) == FREE_SERVICE:
        sums.free += group.number
    elif kind == FREE_ENTRY_POINT:
        sums.free_entry_point += group.number
    else:
        sums.free_other += group.number


def _amount(group: Any, prices: Prices, moment: datetime) -> int | None:
    if group.cost_currency is not None:
        return int(group.cost)
    return amount_by_card(group, prices, SERVICE, day_of(moment))


def _groups(begin: datetime, end: datetime, moments: Sequence[datetime]) -> Any:
    """Select numbers of messages by everything that determines the price; `period` is the index in `moments` of the receipt."""
    received_at = AnswerCost.received_at
    later = [
        (received_at >= literal(moment, received_at.type), literal(place))
        for place, moment in reversed([*enumerate(moments)][1:])
    ]
    period: ColumnElement[Any] = case(*later, else_=literal(0)) if later else literal(0)
    rows = (
        select(
            AnswerCost.number_id,
            AnswerCost.price_area,
            AnswerCost.pricing_category,
            AnswerCost.pricing_type,
            AnswerCost.is_billable,
            AnswerCost.cost_currency,
            period.label("period"),
            AnswerCost.cost,
        )
        .where(received_at >= begin, received_at < end)
        .subquery("received")
    )
    keys = [column for column in rows.c if column.name != "cost"]
    return select(*keys, func.sum(rows.c.cost).label("cost"), func.count().label("number")).group_by(*keys)


def _moments(cards: Sequence[tuple[datetime, Prices]], begin: datetime, end: datetime) -> list[datetime]:
    """Return `begin` and the moments of the month at which prices change: a card was loaded, or a day of its begins."""
    changes = {loaded_at for loaded_at, _ in cards}
    for _, prices in cards:
        changes |= {datetime.combine(day, time(), UTC) for day in prices.changes_after(day_of(begin))}
    return [begin, *sorted(moment for moment in changes if begin < moment < end)]


def _cards(session: Session) -> list[tuple[datetime, Prices]]:
    cards = session.scalars(select(RateCard).order_by(RateCard.loaded_at, RateCard.id)).all()
    return [(card.loaded_at, read_prices(session, card.id)) for card in cards]


def _card_at(cards: Sequence[tuple[datetime, Prices]], moment: datetime) -> Prices:
    place = bisect_right([loaded_at for loaded_at, _ in cards], moment)
    return cards[place - 1][1] if place else Prices()
