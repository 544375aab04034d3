"""Says what campaigns have cost so far, and what that is for each delivered, read or reply; currencies are never added up.

It reads stored sums alone (models.billing.charges), so it costs a few rows for each campaign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.amount import show_amount
from models.tables.billing import RateCard, Spending
from models.tables.charge import UNKNOWN, CampaignCharge


@dataclass(frozen=True, slots=True)
class CampaignCost:
    """What a campaign's own messages have cost so far. Answers to it, which are charged apart, are not in it.

    `amounts`: currency → millionths, of the messages whose price is known; empty if none is known and it did not cost nothing.
    """

    amounts: Mapping[str, int]
    billed: int = 0
    """Delivered messages that Meta bills."""
    unknown: int = 0
    """Those of them whose price is unknown, and the delivered ones of which Meta has not said whether it bills them."""
    counted_at: datetime | None = None

    @property
    def currency(self) -> str | None:
        """The currency if there is exactly one."""
        return next(iter(self.amounts)) if len(self.amounts) == 1 else None

    @property
    def amount(self) -> int | None:
        """Millionths of `currency`; None if the cost is unknown or has several currencies."""
        return self.amounts[self.currency] if self.currency is not None else None

    @property
    def is_complete(self) -> bool:
        """Whether nothing of it is unknown; else the amounts are those of the known prices."""
        return bool(self.amounts) and not self.unknown

    def per(self, people: int) -> int | None:
        """Return `amount` for each of these people, in millionths, rounded half to even; None if unknown or there are none."""
        return None if self.amount is None or people <= 0 else share_of(self.amount, people)

    def to_json(self, people: int | None = None) -> dict[str, str] | None:
        """Return `{"amount", "currency"}` of all of it, or of each of `people`; None where it is unknown."""
        amount = self.amount if people is None else self.per(people)
        return None if amount is None or self.currency is None else _money(amount, self.currency)

    def all_to_json(self) -> list[dict[str, str]]:
        """Return the money of each currency."""
        return [_money(amount, currency) for currency, amount in sorted(self.amounts.items())]


NOTHING_KNOWN = CampaignCost({})
"""Of a campaign that was not started, or of which nothing was counted yet."""


def campaign_costs(session: Session, campaign_ids: Sequence[int]) -> dict[int, CampaignCost]:
    """Return what each of these campaigns has cost so far; every id is in the result."""
    sums: dict[int, dict[str, int]] = {}
    unknown_prices: dict[int, int] = {}
    keys = (CampaignCharge.campaign_id, CampaignCharge.currency)
    charged, messages = func.sum(CampaignCharge.charged), func.sum(CampaignCharge.messages)
    per_currency = select(*keys, charged.label("charged"), messages.label("messages"))
    for row in session.execute(per_currency.where(CampaignCharge.campaign_id.in_(campaign_ids)).group_by(*keys)):
        if row.currency == UNKNOWN:
            unknown_prices[row.campaign_id] = int(row.messages)
        else:
            sums.setdefault(row.campaign_id, {})[row.currency] = int(row.charged)
    query = (
        select(Spending, RateCard.currency)
        .outerjoin(RateCard, RateCard.id == Spending.card_id)
        .where(Spending.campaign_id.in_(campaign_ids), Spending.counted_at.is_not(None))
    )
    costs = dict.fromkeys(campaign_ids, NOTHING_KNOWN)
    for spending, currency in session.execute(query):
        key = spending.campaign_id
        unknown = unknown_prices.get(key, 0) + (spending.untold or 0)
        amounts = sums.get(key, {})
        if not amounts and not unknown and currency is not None:
            amounts = {currency: 0}  # counted, and nothing of it was billed
        costs[key] = CampaignCost(amounts, spending.billed, unknown, spending.counted_at)
    return costs


def cost_figures(cost: CampaignCost, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a campaign's statistics that are money. `figures` has the numbers of people.

    `cost` is null where it is unknown or has several currencies; `costs` has each currency. What is for each person is taken from
    the known prices: `cost_unknown` says of how many messages the price is unknown.
    """
    return {
        "cost": cost.to_json(),
        "costs": cost.all_to_json(),
        "cost_unknown": cost.unknown,
        "cost_per_delivered": cost.to_json(figures["delivered"]),
        "cost_per_read": cost.to_json(figures["read"]),
        "cost_per_reply": cost.to_json(figures["replied"]),
    }


def share_of(amount: int, people: int) -> int:
    """Divide an amount of millionths by a number above 0, rounded half to even."""
    return int((Decimal(amount) / people).to_integral_value(ROUND_HALF_EVEN))


def _money(amount: int, currency: str) -> dict[str, str]:
    return {"amount": show_amount(amount), "currency": currency}
