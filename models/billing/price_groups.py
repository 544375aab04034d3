"""Groups the delivered messages of a campaign by what Meta said of their price: charged, free and why, or nothing so far."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.billing.price_types import is_billable
from models.billing.rate_cards import plain_category
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_try import RecipientTry


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


class _Key(NamedTuple):
    pricing_category: str | None
    pricing_type: str | None
    is_billable: bool | None
    cost_currency: str | None


def price_groups(session: Session, campaign_id: int) -> list[PriceGroup]:
    """Return the groups with most messages first, earlier tries too. It reads all rows of the campaign."""
    people: Counter[_Key] = Counter()
    costs: Counter[_Key] = Counter()
    for table in (Recipient, RecipientTry):
        columns = (table.pricing_category, table.pricing_type, table.is_billable, table.cost_currency)
        query = (
            select(*columns, func.sum(table.cost).label("cost"), func.count().label("people"))
            .where(
                table.campaign_id == campaign_id,
                table.state == RecipientState.ACCEPTED,
                or_(table.delivered_at.is_not(None), table.read_at.is_not(None)),
            )
            .group_by(*columns)
        )
        for row in session.execute(query):
            key = _Key(row.pricing_category, row.pricing_type, row.is_billable, row.cost_currency)
            people[key] += row.people
            costs[key] += int(row.cost or 0)
    groups = [
        PriceGroup(
            plain_category(key.pricing_category) if key.pricing_category else None,
            key.pricing_type,
            is_billable(key),
            people[key],
            costs[key] if key.cost_currency else None,
            key.cost_currency,
        )
        for key in people
    ]
    return sorted(groups, key=lambda group: (-group.people, group.category or "", group.type or ""))
