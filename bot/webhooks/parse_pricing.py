"""Reads what a status says of its message's price (docs/meta.md §7.5)."""

import re
from typing import Any

from bot.webhooks.parse_values import read_text
from models.billing.amount import read_cost
from models.billing.price_types import PAID_EXEMPT, is_free_type
from models.events.types import Pricing

MAX_WORD = 40
_CURRENCY = re.compile(r"[A-Za-z]{3}")


def read_pricing(pricing: Any) -> Pricing | None:
    """Return None if nothing in it says what the message costs. A cost without a currency is none."""
    if not isinstance(pricing, dict):
        return None
    category = read_text(pricing.get("category"), MAX_WORD)
    kind = read_text(pricing.get("type"), MAX_WORD)
    if str(pricing.get("subtype")).lower() == PAID_EXEMPT:
        kind = PAID_EXEMPT
    billable = pricing.get("billable")
    cost, currency = _read_cost(pricing.get("cost"))
    if not isinstance(billable, bool):
        billable = not is_free_type(kind) if kind is not None else None if cost is None else True
    if category is None and billable is None:
        return None
    return Pricing(category, kind, billable, cost, currency)


def _read_cost(cost: Any) -> tuple[int | None, str | None]:
    currency = cost.get("currency") if isinstance(cost, dict) else None
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency.strip()):
        return None, None
    amount = read_cost(cost.get("amount"))
    return (None, None) if amount is None else (amount, currency.strip().upper())
