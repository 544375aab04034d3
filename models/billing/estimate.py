"""What a campaign may cost: low, expected and high, by country.

High is every message delivered and billed, and what is reserved. How many are expected comes from this installation's own
campaigns where there are enough of them, else from an assumption, and it is said which.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.amount import show_amount
from models.billing.price_area import country_of
from models.billing.rate_cards import Prices, day_of, plain_category, prices_in_force, read_prices
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.recipient import Recipient, RecipientState

ASSUMED_LOW = 0.70
ASSUMED_EXPECTED = 0.90
MAX_CAMPAIGNS = 20
MIN_CAMPAIGNS = 3
MIN_PEOPLE = 1000
"""In all these campaigns together; fewer say nothing."""


@dataclass(frozen=True, slots=True)
class DeliveryShares:
    """Which part of the people is billed. `campaigns`: how many past ones say so, 0 where it is assumed."""

    low: float = ASSUMED_LOW
    expected: float = ASSUMED_EXPECTED
    campaigns: int = 0


@dataclass(frozen=True, slots=True)
class CountryEstimate:
    """The people of one country. `price` is of one message; None: unknown. `country` None: not known where they are."""

    country: str | None
    people: int
    price: int | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Lines with the most people first; amounts in millionths of `currency`, None without a rate card."""

    category: str
    currency: str | None
    card_id: int | None
    lines: tuple[CountryEstimate, ...]
    shares: DeliveryShares

    @property
    def people(self) -> int:
        """Everybody who would be sent to."""
        return sum(line.people for line in self.lines)

    @property
    def unknown_people(self) -> int:
        """Those whose price is unknown."""
        return sum(line.people for line in self.lines if line.price is None)

    @property
    def high(self) -> int:
        """Everybody's message delivered and billed, as far as the price is known."""
        return sum(line.price * line.people for line in self.lines if line.price is not None)

    def to_json(self) -> dict[str, Any]:
        """The public form. Amounts are texts; null is unknown. Sums leave out `unknown_people`."""
        is_known = self.unknown_people < self.people or not self.people
        return {
            "category": self.category,
            "currency": self.currency,
            "people": self.people,
            "unknown_people": self.unknown_people,
            **(self._amounts(self.high) if is_known and self.currency else self._amounts(None)),
            "shares": {
                "low": round(self.shares.low, 4),
                "expected": round(self.shares.expected, 4),
                "high": 1.0,
                "campaigns": self.shares.campaigns,
            },
            "lines": [self._line(line) for line in self.lines],
        }

    def _line(self, line: CountryEstimate) -> dict[str, Any]:
        price = None if line.price is None else show_amount(line.price)
        high = None if line.price is None else line.price * line.people
        given = {"country": line.country, "category": self.category, "people": line.people, "price": price}
        return given | self._amounts(high)

    def _amounts(self, high: int | None) -> dict[str, str | None]:
        if high is None:
            return {"low": None, "expected": None, "high": None}
        return {
            "low": show_amount(round(high * self.shares.low)),
            "expected": show_amount(round(high * self.shares.expected)),
            "high": show_amount(high),
        }


def estimate_cost(session: Session, category: str, areas: Mapping[str | None, int], now: datetime) -> Estimate:
    """What it costs to send to so many people in these price areas, by the rate card in force."""
    return _estimate(session, category, areas, prices_in_force(session), now)


def estimate_started(session: Session, spending: Spending) -> Estimate:
    """The same for a campaign that was started: those whom it was launched for, at its own prices."""
    query = (
        select(Recipient.price_area, func.count().label("number"))
        .where(Recipient.campaign_id == spending.campaign_id, Recipient.state != RecipientState.NOT_SENT)
        .group_by(Recipient.price_area)
    )
    areas = {row.price_area: row.number for row in session.execute(query)}
    prices = read_prices(session, spending.card_id)
    return _estimate(session, spending.category, areas, prices, spending.priced_at)


def past_delivery_shares(session: Session, category: str) -> DeliveryShares:
    """What the newest campaigns of this category came to, of those that have ended."""
    query = (
        select(Spending.eligible, Spending.billed)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .where(
            Campaign.kind == CampaignKind.REAL,
            Campaign.status == CampaignStatus.ENDED,
            Spending.category == plain_category(category),
            Spending.eligible > 0,
        )
        .order_by(Spending.campaign_id.desc())
        .limit(MAX_CAMPAIGNS)
    )
    past = [(row.eligible, row.billed) for row in session.execute(query)]
    people = sum(eligible for eligible, _ in past)
    if len(past) < MIN_CAMPAIGNS or people < MIN_PEOPLE:
        return DeliveryShares()
    expected = sum(billed for _, billed in past) / people
    worst = min(billed / eligible for eligible, billed in past)
    return DeliveryShares(min(worst, expected), expected, len(past))


def _estimate(
    session: Session, category: str, areas: Mapping[str | None, int], prices: Prices, moment: datetime
) -> Estimate:
    people: Counter[str | None] = Counter()
    for area, number in areas.items():
        people[country_of(area or "")] += number
    lines = [
        CountryEstimate(country, number, prices.at(country, category, day_of(moment)))
        for country, number in people.items()
    ]
    lines.sort(key=lambda line: (-line.people, line.country or ""))
    shares = past_delivery_shares(session, category)
    return Estimate(plain_category(category), prices.currency, prices.card_id, tuple(lines), shares)
