"""Estimates the cost of a campaign by country: low, expected and high.

High is every message delivered and billed; this amount is reserved. The expected share comes from this installation's past
campaigns if there are enough of them, else from an assumption; `DeliveryShares.campaigns` tells which.
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
from models.billing.price_cap import PriceCap, cap_of, message_price
from models.billing.price_types import CHARGED_SINCE
from models.billing.rate_cards import SERVICE, UTILITY, Prices, day_of, plain_category, prices_in_force, read_prices
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.recipient import Recipient, RecipientState

ASSUMED_LOW = 0.70
ASSUMED_EXPECTED = 0.90
MAX_CAMPAIGNS = 20
MIN_CAMPAIGNS = 3
MIN_PEOPLE = 1000
"""People in these campaigns together; with fewer the assumption is used."""


@dataclass(frozen=True, slots=True)
class DeliveryShares:
    """The shares of recipients that are billed, 0 to 1. `campaigns`: the number of past ones they come from, 0: assumed."""

    low: float = ASSUMED_LOW
    expected: float = ASSUMED_EXPECTED
    campaigns: int = 0


@dataclass(frozen=True, slots=True)
class CountryEstimate:
    """The people of one country. `price` is of one message in millionths, None: unknown. `country` None: unknown."""

    country: str | None
    people: int
    price: int | None
    answer_price: int | None = None
    """Of one answer of a bot or an agent, beyond the free ones of the number's month."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimate, `lines` with the most people first. Amounts are in millionths of `currency`, None without a rate card."""

    category: str
    currency: str | None
    card_id: int | None
    lines: tuple[CountryEstimate, ...]
    shares: DeliveryShares
    cap: PriceCap | None = None
    """What a message may cost at most, where its template has a maximum price."""

    @property
    def people(self) -> int:
        """Number of people who would be sent to."""
        return sum(line.people for line in self.lines)

    @property
    def unknown_people(self) -> int:
        """Number of people whose price is unknown."""
        return sum(line.people for line in self.lines if line.price is None)

    @property
    def high(self) -> int:
        """The cost if every message is delivered and billed, without unknown prices."""
        return sum(line.price * line.people for line in self.lines if line.price is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the public form. Amounts are text, null if unknown. Sums do not include `unknown_people`."""
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
            "max_price": self._cap_json(),
            "lines": [self._line(line) for line in self.lines],
        }

    def answer_prices(self) -> list[dict[str, Any]]:
        """Return what one answer of a bot or an agent costs in each country, beyond the number's free ones; null if unknown."""
        return [
            {
                "country": line.country,
                "price": None if line.answer_price is None else show_amount(line.answer_price),
            }
            for line in self.lines
        ]

    def _cap_json(self) -> dict[str, str] | None:
        if self.cap is None or self.cap.amount is None:
            return None
        return {"amount": show_amount(self.cap.amount), "currency": self.cap.currency}

    def _line(self, line: CountryEstimate) -> dict[str, Any]:
        price = None if line.price is None else show_amount(line.price)
        high = None if line.price is None else line.price * line.people
        fields = {"country": line.country, "category": self.category, "people": line.people, "price": price}
        return fields | self._amounts(high)

    def _amounts(self, high: int | None) -> dict[str, str | None]:
        if high is None:
            return {"low": None, "expected": None, "high": None}
        return {
            "low": show_amount(round(high * self.shares.low)),
            "expected": show_amount(round(high * self.shares.expected)),
            "high": show_amount(high),
        }


def estimate_cost(
    session: Session, category: str, areas: Mapping[str | None, int], now: datetime, cap: PriceCap | None = None
) -> Estimate:
    """Estimate the cost of sending to people, counted by price area, with the rate card in force.

    `cap` is what a message may cost at most, where its template has a maximum price: that is then its price.
    """
    return _estimate(session, category, areas, prices_in_force(session), now, cap)


def estimate_started(session: Session, spending: Spending) -> Estimate:
    """Estimate a campaign that was started: its launched recipients, at the prices of its own card."""
    query = (
        select(Recipient.price_area, func.count().label("number"))
        .where(Recipient.campaign_id == spending.campaign_id, Recipient.state != RecipientState.NOT_SENT)
        .group_by(Recipient.price_area)
    )
    areas = {row.price_area: row.number for row in session.execute(query)}
    prices = read_prices(session, spending.card_id)
    return _estimate(session, spending.category, areas, prices, spending.priced_at, cap_of(spending))


def past_delivery_shares(session: Session, category: str) -> DeliveryShares:
    """Return the billed shares of the newest ended campaigns of this category, or the assumption.

    Of utility only campaigns since `CHARGED_SINCE` count: before, messages inside a window were free.
    """
    query = (
        select(Spending.eligible, Spending.billed)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .where(
            Campaign.kind == CampaignKind.REAL,
            Campaign.status == CampaignStatus.ENDED,
            Spending.category == plain_category(category),
            Spending.eligible > 0,
            *([Spending.priced_at >= CHARGED_SINCE] if plain_category(category) == UTILITY else []),
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
    session: Session,
    category: str,
    areas: Mapping[str | None, int],
    prices: Prices,
    moment: datetime,
    cap: PriceCap | None,
) -> Estimate:
    people: Counter[str | None] = Counter()
    day = day_of(moment)
    for area, number in areas.items():
        people[country_of(area or "")] += number
    lines = [
        CountryEstimate(
            country, number, message_price(prices, cap, country, category, day), prices.at(country, SERVICE, day)
        )
        for country, number in people.items()
    ]
    lines.sort(key=lambda line: (-line.people, line.country or ""))
    shares = past_delivery_shares(session, category)
    currency = prices.currency or (cap.currency if cap is not None else "") or None
    return Estimate(plain_category(category), currency, prices.card_id, tuple(lines), shares, cap)
