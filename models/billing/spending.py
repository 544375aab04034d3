"""Computes the cost of a campaign's messages from its recipients and their earlier tries.

A message is charged once it was delivered and Meta's `pricing` says that it is billed. One that was delivered without pricing so
far, or may still be delivered, is reserved at its price at launch. All others cost nothing: not sent, refused, failed, free. The
sums come from the rows alone, so statuses that come late, twice or out of order cannot distort them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from models.billing.charges import Charges, add_charge, store_campaign_charges
from models.billing.months import Period, price_periods
from models.billing.price_area import country_of
from models.billing.price_cap import PriceCap, cap_of, message_price
from models.billing.price_types import is_billable
from models.billing.rate_cards import Prices, day_of, read_prices
from models.db.dialect import NO_SYNC
from models.db.engine import zone_of
from models.tables.billing import Spending
from models.tables.campaign import Campaign
from models.tables.charge import CampaignCharge
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


class CountedCampaign(NamedTuple):
    """A campaign's sums, and what was charged by month, country, category and currency: all of it, in other currencies too."""

    spent: Spent
    charges: Charges


def total_price(
    prices: Prices, areas: Iterable[tuple[str | None, int]], category: str, day: date, cap: PriceCap | None = None
) -> int:
    """Return the price of a delivered message to each of these people, (price area, number), without unknown prices."""
    return sum(
        (message_price(prices, cap, country_of(area or ""), category, day) or 0) * number for area, number in areas
    )


def count_spent(session: Session, spending: Spending, ended_at: datetime | None, now: datetime) -> Spent:
    """Compute a launched campaign's sums, as `count_campaign` does."""
    return count_campaign(session, spending, ended_at, now).spent


def count_campaign(session: Session, spending: Spending, ended_at: datetime | None, now: datetime) -> CountedCampaign:
    """Compute a launched campaign's sums and charges, in one pass over its rows. `ended_at` is the campaign's.

    What Meta itself says that a message cost is what it cost; the rate card prices the others.
    """
    prices = read_prices(session, spending.card_id)
    started, cap = day_of(spending.priced_at), cap_of(spending)
    periods = price_periods(spending.priced_at, now, prices, zone_of(session))
    is_closed = ended_at is not None and ended_at + WAITS <= now
    tally = dict.fromkeys(asdict(Spent()), 0)
    charges: Charges = {}
    of_people = session.execute(_groups(Recipient, spending.campaign_id, periods)).all()
    tally["eligible"] = sum(group.number for group in of_people)
    # Each try is charged on its own, if it was delivered: one person may have got several messages.
    for group in [*of_people, *session.execute(_groups(RecipientTry, spending.campaign_id, periods))]:
        country = country_of(group.price_area or "")
        if _is_billed(group):
            period = periods[group.period]
            amount = amount_of(group, prices, spending.category, period.day)
            tally["billed"] += group.number
            tally["unpriced"] += group.number if amount is None else 0
            tally["charged"] += amount or 0
            money = _money_of(group, amount, prices.currency)
            add_charge(charges, period.month, country, group.pricing_category or spending.category, money, group.number)
            continue
        tally["untold"] += group.number if _is_untold(group) else 0
        if not is_closed and _may_be_billed(group):
            amount = (message_price(prices, cap, country, spending.category, started) or 0) * group.number
            tally["reserved"] += amount
            tally["leaving"] += 0 if group.state is RecipientState.QUEUED else amount
    return CountedCampaign(Spent(**tally), charges)


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


def refresh_spending(session: Session, campaign_id: int, counted: CountedCampaign, counted_at: datetime) -> None:
    """Store sums and charges that were computed at `counted_at`, unless later ones are stored already."""
    changed = session.execute(
        update(Spending)
        .where(
            Spending.campaign_id == campaign_id,
            or_(Spending.counted_at.is_(None), Spending.counted_at <= counted_at),
        )
        .values(counted_at=counted_at, **asdict(counted.spent))
        .returning(Spending.campaign_id),
        execution_options=NO_SYNC,
    ).all()
    if changed:
        store_campaign_charges(session, campaign_id, counted.charges)


def spending_differs(spending: Spending, spent: Spent) -> bool:
    """Return whether the stored sums differ from the computed ones."""
    return any(getattr(spending, name) != value for name, value in asdict(spent).items())


def priced_campaigns(session: Session, since: datetime | None = None) -> list[tuple[Spending, Campaign]]:
    """Return campaigns that were launched completely or ended.

    With `since` none that ended before it, but for those that an older version counted: without the untold, or without charges.
    """
    has_charges = exists().where(CampaignCharge.campaign_id == Spending.campaign_id)
    query = (
        select(Spending, Campaign)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .where(or_(Campaign.launched_at.is_not(None), Campaign.ended_at.is_not(None)))
        .order_by(Spending.campaign_id)
    )
    if since is not None:
        is_old_count = or_(Spending.untold.is_(None), and_(Spending.billed > 0, ~has_charges))
        query = query.where(or_(Campaign.ended_at.is_(None), Campaign.ended_at > since, is_old_count))
    return [(spending, campaign) for spending, campaign in session.execute(query)]


def may_be_purged(campaign: Campaign, now: datetime) -> bool:
    """Return whether rows of a campaign may be gone, since it was deleted: a count would then lose what was charged."""
    return campaign.deleted_at is not None and campaign.deleted_at <= now - WAITS


def _money_of(group: Any, amount: int | None, currency: str | None) -> tuple[str, int] | None:
    """(currency, millionths) of a group: what Meta named in whatever currency, else by the card; None if it is unknown."""
    if group.cost_currency is not None:
        return group.cost_currency, int(group.cost)
    return None if amount is None or currency is None else (currency, amount)


def _groups(table: type[Recipient] | type[RecipientTry], campaign_id: int, periods: Sequence[Period]) -> Any:
    """Select numbers of messages by everything that determines the price; `period` is the index in `periods` of the delivery."""
    moment_type = table.delivered_at.type
    received_at = func.coalesce(table.delivered_at, table.read_at)
    later = [
        (received_at >= literal(begun.begin, moment_type), literal(place))
        for place, begun in reversed([*enumerate(periods)][1:])
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
