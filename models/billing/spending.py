"""What a campaign's messages cost, worked out from its recipients.

A message is charged once it was delivered and Meta's `pricing` says that it is billed. One that was delivered and not priced
yet, or may still be delivered, is reserved at its price of the launch. Everybody else costs nothing: not sent, refused, failed,
free. Statuses that come late, twice or in disorder change no sum that they did not change the row of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, update
from sqlalchemy.orm import Session

from models.billing.price_area import country_of
from models.billing.rate_cards import Prices, day_of, read_prices
from models.db.dialect import NO_SYNC
from models.tables.billing import Spending
from models.tables.campaign import Campaign
from models.tables.recipient import Recipient, RecipientState

WAITS = timedelta(days=30)
"""After a campaign's end nothing is held back for longer: Meta keeps no message for delivery beyond that."""
REGULAR = "regular"
FREE = "free"
OPEN = (
    RecipientState.QUEUED,
    RecipientState.SENDING,
    RecipientState.UNSURE,
    RecipientState.HELD,
    RecipientState.ACCEPTED,
)


@dataclass(frozen=True, slots=True)
class Spent:
    """A campaign's sums, in millionths and people. `leaving` is the part of `reserved` whose message may have left."""

    reserved: int = 0
    leaving: int = 0
    charged: int = 0
    eligible: int = 0
    billed: int = 0
    unpriced: int = 0


def total_price(prices: Prices, areas: Iterable[tuple[str | None, int]], category: str, day: date) -> int:
    """What so many people in these price areas cost if every message is delivered; unknown prices are left out."""
    return sum((prices.at(country_of(area or ""), category, day) or 0) * number for area, number in areas)


def count_spent(session: Session, spending: Spending, ended_at: datetime | None, now: datetime) -> Spent:
    """Work out a launched campaign's sums: one pass over its rows."""
    prices = read_prices(session, spending.card_id)
    started = day_of(spending.priced_at)
    days = [started, *prices.changes_after(started)]
    is_closed = ended_at is not None and ended_at + WAITS <= now
    tally = {"reserved": 0, "leaving": 0, "charged": 0, "eligible": 0, "billed": 0, "unpriced": 0}
    for group in session.execute(_groups(spending.campaign_id, days)):
        tally["eligible"] += group.number
        country = country_of(group.price_area or "")
        if _is_billed(group):
            amount = prices.at(country, group.pricing_category or spending.category, days[group.period])
            tally["billed"] += group.number
            tally["unpriced"] += group.number if amount is None else 0
            tally["charged"] += (amount or 0) * group.number
        elif not is_closed and _may_be_billed(group):
            amount = (prices.at(country, spending.category, started) or 0) * group.number
            tally["reserved"] += amount
            tally["leaving"] += 0 if group.state is RecipientState.QUEUED else amount
    return Spent(**tally)


def refresh_spending(session: Session, campaign_id: int, spent: Spent, counted_at: datetime) -> None:
    """Store sums that were worked out from what stood there at `counted_at`, unless later ones are there already."""
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
    """Whether what is stored is not what the rows say."""
    return any(getattr(spending, name) != value for name, value in asdict(spent).items())


def priced_campaigns(session: Session, since: datetime | None = None) -> list[tuple[Spending, Campaign]]:
    """Campaigns with a rate card whose launch is over, one way or another; with `since` none that had ended before."""
    query = (
        select(Spending, Campaign)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .where(Spending.card_id.is_not(None), or_(Campaign.launched_at.is_not(None), Campaign.ended_at.is_not(None)))
        .order_by(Spending.campaign_id)
    )
    if since is not None:
        query = query.where(or_(Campaign.ended_at.is_(None), Campaign.ended_at > since))
    return [(spending, campaign) for spending, campaign in session.execute(query)]


def _groups(campaign_id: int, days: Sequence[date]) -> Any:
    """People by what their price depends on; `period` says which of `days` the delivery falls under."""
    moment_type = Recipient.delivered_at.type
    got_at = func.coalesce(Recipient.delivered_at, Recipient.read_at)
    later = [
        (got_at >= literal(datetime.combine(day, time(), UTC), moment_type), literal(place))
        for place, day in reversed([*enumerate(days)][1:])
    ]
    period: ColumnElement[Any] = case(*later, else_=literal(0)) if later else literal(0)
    columns = (
        Recipient.price_area,
        Recipient.state,
        (Recipient.status == "failed").label("is_failed"),
        got_at.is_not(None).label("is_received"),
        Recipient.pricing_category,
        Recipient.pricing_type,
        Recipient.is_billable,
        period.label("period"),
    )
    rows = (
        select(*columns)
        .where(and_(Recipient.campaign_id == campaign_id, Recipient.state != RecipientState.NOT_SENT))
        .subquery("priced")
    )
    return select(*rows.c, func.count().label("number")).group_by(*rows.c)


def _is_billed(group: Any) -> bool:
    return bool(group.state is RecipientState.ACCEPTED and group.is_received and is_billable(group))


def _may_be_billed(group: Any) -> bool:
    if group.state not in OPEN or group.is_failed:
        return False
    return is_billable(group) is not False


def is_billable(row: Any) -> bool | None:
    """What Meta's `pricing` says; None while it said nothing. A type that is known goes before `billable`, which Meta gives up."""
    kind = (row.pricing_type or "").lower()
    if kind == REGULAR:
        return True
    if kind.startswith(FREE):
        return False
    billable: bool | None = row.is_billable
    return billable
