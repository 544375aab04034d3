"""Parses amounts of a shop's webhooks, and the refunds of its orders."""

from decimal import Decimal, InvalidOperation
from typing import Any

from bot.webhooks.parse_values import as_dict, as_list, read_text
from bot.webhooks.shop_values import MAX_ID, read_time
from models.shop.refunds import NewRefund
from models.tables.order import in_milli

MAX_AMOUNT = Decimal(10) ** 12
MAX_REFUNDS = 100


def read_refunds(refunds: Any, order_id: str) -> tuple[NewRefund, ...]:
    """The refunds within an order. One without an id, a time or money that was paid back is left out."""
    found = (read_refund(as_dict(refund), order_id) for refund in as_list(refunds)[:MAX_REFUNDS])
    return tuple(refund for refund in found if refund is not None)


def read_refund(body: dict[str, Any], order_id: str | None = None) -> NewRefund | None:
    """One refund, of the order that it names itself or is within; None where it lacks what it needs.

    Only what was paid back counts: a refund of goods alone has no transaction, and one that fails or is under way has another
    status. Money of another currency than the first is left out.
    """
    key = read_text(body.get("id"), MAX_ID)
    order_id = order_id or read_text(body.get("order_id"), MAX_ID)
    at = read_time(body.get("processed_at")) or read_time(body.get("created_at"))
    if key is None or order_id is None or at is None:
        return None
    paid = [
        (amount, currency.upper())
        for it in map(as_dict, as_list(body.get("transactions")))
        if it.get("kind") == "refund" and it.get("status") == "success"
        if (amount := read_amount(it.get("amount"))) is not None
        if (currency := read_text(it.get("currency"), 3)) is not None
    ]
    if not paid:
        return None
    currency = paid[0][1]
    total = sum((amount for amount, other in paid if other == currency), Decimal(0))
    return NewRefund(order_id, key, in_milli(total), currency, at)


def read_amount(value: Any) -> Decimal | None:
    """An amount of money; None if it is none."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MAX_AMOUNT else None
