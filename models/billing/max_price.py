"""Computes what a campaign's maximum price makes of a template's (docs/meta.md §2.7), in whole numbers throughout.

The price stands on the template: `bid_amount` is that of a thousand deliveries in the smallest unit of the account's currency. A
message can only scale it, by a multiplier that is never above 1 here.
"""

from typing import Any

from models.billing.amount import MICRO, show_amount
from models.tables.template import Template

DELIVERIES = 1000
STEPS = 10_000
"""A multiplier has four decimals, rounded down, so that the price never comes out above the campaign's."""
_WITHOUT_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "VND"})
_UNCERTAIN = frozenset({"COP", "CRC", "HUF", "IDR", "TWD", "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""Currencies whose smallest unit Meta may count otherwise than ISO 4217: a hundredth or a hundredfold would be paid."""


def has_max_price(template: Template) -> bool:
    """Whether the template has a maximum price: then only the Marketing Messages API takes it, and only with a phone number."""
    return bool(template.optimization_spec)


def template_price(template: Template, currency: str | None) -> int | None:
    """The template's maximum price of one delivery, in millionths of the account's currency; None if it cannot be told."""
    spec: Any = template.optimization_spec
    amount = spec.get("bid_amount") if isinstance(spec, dict) else None
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        return None
    if currency is None or currency in _UNCERTAIN:
        return None
    units = 1 if currency in _WITHOUT_DECIMALS else 100
    return amount * MICRO // (DELIVERIES * units)


def shown_price(template: Template) -> str | None:
    """The template's maximum price in words, such as `0.05 EUR`, or Meta's own figure where it cannot be told; None without one."""
    if not has_max_price(template):
        return None
    currency = template.waba.currency
    price = template_price(template, currency)
    if price is not None:
        return f"{show_amount(price)} {currency}"
    return f"bid_amount {(template.optimization_spec or {}).get('bid_amount')}"


def multiplier_steps(max_price: int, price: int) -> int:
    """The multiplier that makes `max_price` of the template's price, in steps of a ten-thousandth, at most `STEPS`."""
    return min(STEPS, max_price * STEPS // price)


def bid_spec(template: Template, currency: str | None, max_price: int | None) -> dict[str, float] | None:
    """The message's `bid_spec`; None if nothing is scaled.

    Raises LookupError if the template's price cannot be told, or the campaign's is less than a step of it.
    """
    if max_price is None:
        return None
    price = template_price(template, currency)
    if price is None:
        raise LookupError(f"the maximum price of template {template.id} cannot be told")
    steps = multiplier_steps(max_price, price)
    if steps == 0:
        raise LookupError(f"the maximum price is too far below that of template {template.id}")
    return None if steps == STEPS else {"per_message_bid_multiplier": steps / STEPS}
