"""Says which of two prices of a message counts, in Python and in SQL, so that the order of Meta's statuses changes nothing.

A price in `delivered` or `read` counts more than one in `sent`; among those the one with Meta's own cost, then the one that Meta
said later. So a row that has the price is not written again by a repeated status.
"""

from datetime import datetime

from models.events.types import Pricing

PRICE_COLUMNS = {
    "category": "text",
    "price_type": "text",
    "is_billable": "boolean",
    "cost": "bigint",
    "cost_currency": "text",
    "price_at": "timestamptz",
}
"""Column of the new values → PostgreSQL type. `price_at` is NULL for a price of a `sent` status, or without a price."""


def final_rank(price: Pricing, at: datetime) -> tuple[bool, datetime, int, str, str]:
    """The order of the prices of `delivered` and `read` statuses; the highest counts."""
    return price.cost is not None, at, price.cost or 0, price.category or "", price.type or ""


def is_better_price(old: str, new: str) -> str:
    """Return SQL: whether the price in the row `new` (`PRICE_COLUMNS`) replaces that in `old` (the columns of `recipient`)."""
    is_priced = f"({new}.category IS NOT NULL OR {new}.is_billable IS NOT NULL)"
    has_none = f"({old}.pricing_category IS NULL AND {old}.pricing_type IS NULL AND {old}.is_billable IS NULL)"
    is_later = f"({_rank(new, 'category', 'price_type')}) > ({_rank(old, 'pricing_category', 'pricing_type')})"
    is_final = f"({new}.price_at IS NOT NULL AND ({old}.price_at IS NULL OR {is_later}))"
    return f"({is_priced} AND ({has_none} OR {is_final}))"


def price_values(price: Pricing | None, final_at: datetime | None) -> tuple[object, ...]:
    """Return the values of `PRICE_COLUMNS`."""
    if price is None:
        return (None,) * len(PRICE_COLUMNS)
    return price.category, price.type, price.is_billable, price.cost, price.currency, final_at


def _rank(row: str, category: str, kind: str) -> str:
    has_cost = f"CASE WHEN {row}.cost IS NULL THEN 0 ELSE 1 END"
    words = f"COALESCE({row}.{category}, ''), COALESCE({row}.{kind}, '')"
    return f"{has_cost}, {row}.price_at, COALESCE({row}.cost, 0), {words}"
