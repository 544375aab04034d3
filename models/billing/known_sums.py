"""Says which sums of a campaign's spending are known: a sum of 0 whose messages have no known price is unknown, not 0."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.price_area import country_of
from models.billing.price_cap import cap_of, message_price
from models.billing.rate_cards import Prices, day_of, read_prices
from models.billing.spending import OPEN
from models.tables.billing import Spending
from models.tables.recipient import Recipient

_STILL_OPEN = ("queued", "sending", "unsure", "held", "sent")


class KnownSums(NamedTuple):
    """Amounts in millionths, None where they are unknown: no rate card, no known price, or nothing counted yet."""

    charged: int | None
    reserved: int | None


def known_sums(session: Session, spending: Spending) -> KnownSums:
    """Return what is known of a campaign's sums. A sum above 0 is that of the known prices."""
    if spending.card_id is None:
        return KnownSums(None, None)
    is_counted = spending.counted_at is not None
    has_unknown_charge = spending.unpriced or spending.untold != 0 or not is_counted
    charged = None if spending.charged == 0 and has_unknown_charge else spending.charged
    if spending.reserved:
        return KnownSums(charged, spending.reserved)
    has_unknown = not is_counted or _has_open_without_price(session, spending, read_prices(session, spending.card_id))
    return KnownSums(charged, None if has_unknown else 0)


def _has_open_without_price(session: Session, spending: Spending, prices: Prices) -> bool:
    """Whether a message that may still be charged has no known price."""
    query = (
        select(Recipient.price_area)
        .where(
            Recipient.campaign_id == spending.campaign_id,
            Recipient.state.in_(OPEN),
            Recipient.status.in_(_STILL_OPEN),
        )
        .distinct()
    )
    day, cap = day_of(spending.priced_at), cap_of(spending)
    areas = session.scalars(query)
    return any(message_price(prices, cap, country_of(area or ""), spending.category, day) is None for area in areas)
