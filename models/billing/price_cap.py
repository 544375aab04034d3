"""Prices messages of templates with a maximum price: that is what a message may cost, not the rate card's (docs/meta.md §2.7)."""

from datetime import date
from typing import NamedTuple

from models.billing.rate_cards import Prices
from models.tables.billing import Spending


class PriceCap(NamedTuple):
    """The most that Meta charges for a delivered message, in millionths; `amount` None, `currency` empty: it cannot be told."""

    currency: str
    amount: int | None


def message_price(prices: Prices, cap: PriceCap | None, country: str | None, category: str, day: date) -> int | None:
    """Return what a delivered message may cost at most, in millionths of the card's currency; None if it is unknown.

    With a maximum price it is that price, whether it is above or below the card's. Without a card the currency is the cap's.
    """
    if cap is None:
        return prices.at(country, category, day)
    return cap.amount if cap.currency == (prices.currency or cap.currency) else None


def cap_of(spending: Spending) -> PriceCap | None:
    """Return the maximum price with which a campaign was started; None without one."""
    currency = spending.price_cap_currency
    return None if currency is None else PriceCap(currency, spending.price_cap)
