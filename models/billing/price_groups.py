"""Groups the delivered messages of a campaign by what Meta said of their price: charged, free and why, or nothing so far."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.billing.price_types import is_billable
from models.billing.rate_cards import plain_category
from models.tables.recipient import Recipient, RecipientState


@dataclass(frozen=True, slots=True)
class PriceGroup:
    """People whose messages have the same pricing. `cost` is the sum of what Meta itself named, in millionths of `currency`."""

    category: str | None
    type: str | None
    is_billed: bool | None
    """None: Meta has not said."""
    people: int
    cost: int | None
    currency: str | None


def price_groups(session: Session, campaign_id: int) -> list[PriceGroup]:
    """Return the groups with most people first. It reads all rows of the campaign."""
    keys = (Recipient.pricing_category, Recipient.pricing_type, Recipient.is_billable, Recipient.cost_currency)
    query = (
        select(*keys, func.sum(Recipient.cost).label("cost"), func.count().label("people"))
        .where(
            Recipient.campaign_id == campaign_id,
            Recipient.state == RecipientState.ACCEPTED,
            or_(Recipient.delivered_at.is_not(None), Recipient.read_at.is_not(None)),
        )
        .group_by(*keys)
    )
    groups = [
        PriceGroup(
            plain_category(row.pricing_category) if row.pricing_category else None,
            row.pricing_type,
            is_billable(row),
            row.people,
            int(row.cost) if row.cost_currency else None,
            row.cost_currency,
        )
        for row in session.execute(query)
    ]
    return sorted(groups, key=lambda group: (-group.people, group.category or "", group.type or ""))
