"""Computes the cost of a campaign's messages from its recipients and their earlier tries.

A message is charged once it was delivered and Meta's `pricing` says that it is billed. One that was delivered without pricing so
far, or may still be delivered, is reserved at its price at launch. All others cost nothing: not sent, refused, failed, free. The
sums come from the rows alone, so statuses that come late, twice or out of order cannot distort them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, update
from sqlalchemy.orm import Session

from models.billing.price_area import country_of
from models.billing.price_types import is_billable
from models.billing.rate_cards import Prices, day_of, read_prices
from models.db.dialect import NO_SYNC
from models.tables.billing import Spending
from models.tables.campaign import Campaign
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_try import RecipientTry

WAITS = timedelta(days=30)
"""Reservations end this long after the campaign: Meta does not deliver a message later."""
OPEN = (
    RecipientState.QUEUED,
    RecipientState.SENDING,
    RecipientState.UNSURE,
    RecipientState.HELD,
    RecipientState.ACCEPTED,
)


@dataclass(frozen=True, slots=True)
class Spent:
    """A campaign's sums: amounts in millionths (`leaving` is the part of `reserved` that may have been sent), and people."""

    reserved: int = 0
    leaving: int = 0
    charged: int = 0
    eligible: int = 0
    billed: int = 0
    unpriced: int = 0
    untold: int = 0


def total_price(prices: Prices, areas: Iterable[tuple[str | None, int]], category: str, day: date) -> int:
    """Return the price of a delivered message to each of these people, (price area, number), without unknown prices."""
    return sum((prices.at(country_of(area or ""), category, day) or 0) * number for area, number in areas)


def count_spent(session: Session, spending: Spending, ended_at: datetime | None, now: datetime) -> Spent:
    """Compute a launched campaign's sums, in one pass over its rows. `ended_at` is the campaign's.

    What Meta itself says that a message cost is what it cost; the rate card prices the others.
    """
    prices = read_prices(session, spending.card_id)
    started = day_of(spending.priced_at)
    days = [started, *prices.changes_after(started)]
    is_closed = ended_at is not None and ended_at + WAITS <= now
    tally = dict.fromkeys(asdict(Spent()), 0)
    of_people = session.execute(_groups(Recipient, spending.campaign_id, days)).all()
    tally["eligible"] = sum(group.number for group in of_people)
    # Each try is charged on its own, if it was delivered: one person may have got several messages.
    for group in [*of_people, *session.execute(_groups(RecipientTry, spending.campaign_id, days))]:
        country = country_of(group.price_area or "")
        if _is_billed(group):
            amount = amount_of(group, prices, spending.category, days[group.period])
            tally["billed"] += group.number
            tally["unpriced"] += group.number if amount is None else 0
            tally["charged"] += amount or 0
            continue
        tally["untold"] += group.number if _is_untold(group) else 0
        if not is_closed and _may_be_billed(group):
            amount = (prices.at(country, spending.category, started) or 0) * group.number
            tally["reserved"] += amount
            tally["leaving"] += 0 if group.state is RecipientState.QUEUED else amount
    return Spent(**tally)


def amount_of(group: Any, prices: Prices, category: str, day: date) -> int | None:
    """Return what the billed messages of a group cost together, in millionths of the card's currency; None: unknown.

    A cost of Meta's in another currency is unknown here: nothing is converted. `category` is for messages without one of Meta's.
    """
    if group.cost_currency is not None:
        return int(group.cost) if group.cost_currency == prices.currency else None
    return amount_by_card(group, prices, category, day)


def amount_by_card(group: Any, prices: Prices, category: str, day: date) -> int | None:
    """Return what the messages of a group cost together by the rate card, in millionths of its currency; None: unknown."""
    each = prices.at(country_of(group.price_area or ""), group.pricing_category or category, day)
    return None if each is None else each * int(group.number)


def refresh_spending(session: Session, campaign_id: int, spent: Spent, counted_at: datetime) -> None:
    """Store sums that were computed at `counted_at`, unless later ones are stored already."""
    session.execute(
        update(Spending)
        .where(
            Spending.campaign_id == campaign_id,
            or_(Spending.counted_at.is_(None), Spending.counted_at <= counted_at),
        )
        .values(counted_at=counted_at, **asdict(spent)),
        execution_options=NO_SYNC,
    )


def spending_differs(spending: Spending, spent: Spent) -> bool:
    """Return whether the stored sums differ from the computed ones."""
    return any(getattr(spending, name) != value for name, value in asdict(spent).items())


def priced_campaigns(session: Session, since: datetime | None = None) -> list[tuple[Spending, Campaign]]:
    """Return campaigns with a rate card that were launched completely or ended.

    With `since` none that ended before it, but for those that were counted before the untold were.
    """
    query = (
        select(Spending, Campaign)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .where(Spending.card_id.is_not(None), or_(Campaign.launched_at.is_not(None), Campaign.ended_at.is_not(None)))
        .order_by(Spending.campaign_id)
    )
    if since is not None:
        query = query.where(or_(Campaign.ended_at.is_(None), Campaign.ended_at > since, Spending.untold.is_(None)))
    return [(spending, campaign) for spending, campaign in session.execute(query)]


def _groups(table: type[Recipient] | type[RecipientTry], campaign_id: int, days: Sequence[date]) -> Any:
    """Select numbers of messages by everything that determines the price; `period` is the index in `days` of the delivery."""
    moment_type = table.delivered_at.type
    received_at = func.coalesce(table.delivered_at, table.read_at)
    later = [
        (received_at >= literal(datetime.combine(day, time(), UTC), moment_type), literal(place))
        for place, day in reversed([*enumerate(days)][1:])
    ]
    period: ColumnElement[Any] = case(*later, else_=literal(0)) if later else literal(0)
    columns = (
        table.price_area,
        table.state,
        (table.status == "failed").label("is_failed"),
        received_at.is_not(None).label("is_received"),
        table.pricing_category,
        table.pricing_type,
        table.is_billable,
        table.cost_currency,
        period.label("period"),
    )
    rows = (
        select(*columns, table.cost)
        .where(and_(table.campaign_id == campaign_id, table.state != RecipientState.NOT_SENT))
        .subquery("priced")
    )
    keys = [column for column in rows.c if column.name != "cost"]
    return select(*keys, func.sum(rows.c.cost).label("cost"), func.count().label("number")).group_by(*keys)


def _is_billed(group: Any) -> bool:
    return bool(group.state is RecipientState.ACCEPTED and group.is_received and is_billable(group))


def _is_untold(group: Any) -> bool:
    return bool(group.state is RecipientState.ACCEPTED and group.is_received and is_billable(group) is None)


def _may_be_billed(group: Any) -> bool:
    if group.state not in OPEN or group.is_failed:
        return False
    return is_billable(group) is not False
