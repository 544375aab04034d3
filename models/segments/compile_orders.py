"""Conditions on orders as SQL: how many, how much, how long ago, and what of.

Cancelled orders count for nothing. Who never ordered has 0 orders and spent 0, and is in no range of averages, days or dates.
Each condition looks up one contact's orders in one index, so it costs the same in a slice of a launch and in a count of all.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, not_, select, true
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import FromClause

from models.db.functions import Probe
from models.segments.operators import DAYS_SINCE, MONEY
from models.segments.rule import RuleCondition
from models.tables.order import Order, OrderItem, OrderItemKind, in_milli

KINDS = {"bought_collection": OrderItemKind.COLLECTION, "bought_brand": OrderItemKind.BRAND}
_FIRST = frozenset({"first_order", "days_since_first_order"})


def compile_orders(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Whether what the condition says holds of the orders of a row of `contact`; never NULL."""
    order = aliased(Order)
    mine = [order.contact_id == contact.c.id, order.cancelled_at.is_(None)]
    if item.currency:
        mine.append(order.currency == item.currency)
    if item.on in KINDS:
        bought = aliased(OrderItem)
        is_it = (bought.order_id == order.id, bought.kind == KINDS[item.on], bought.name.in_(item.values))
        found = Probe().where(*mine, *is_it)
        return not_(found) if item.op in {"is_not", "not_in"} else found
    asked = select(_test(item, now, order)).where(*mine).correlate(contact).scalar_subquery()
    return func.coalesce(asked, literal(False))


def _test(item: RuleCondition, now: datetime, order: type[Order]) -> ColumnElement[bool]:
    """Over all the contact's orders; NULL where it needs one and there is none."""
    if item.on == "orders_count":
        return compare(item.op, func.count(), item.values)
    if item.on in MONEY:
        values = tuple(in_milli(value) for value in item.values)
        total = func.sum(order.total_milli)
        if item.on == "total_spent":
            return compare(item.op, func.coalesce(total, 0), values)
        return compare(item.op, total, tuple(literal(value, Order.total_milli.type) * func.count() for value in values))
    if item.op in {"known", "unknown"}:
        return func.count() > 0 if item.op == "known" else func.count() == 0
    moment = func.min(order.placed_at) if item.on in _FIRST else func.max(order.placed_at)
    if item.on in DAYS_SINCE:
        after, until = days_since(item.op, item.values, now)
        return and_(moment > after if after else true(), moment <= until if until else true())
    if item.op == "last_days":
        return and_(moment >= now - timedelta(days=item.values[0]), moment <= now)
    return compare(item.op, moment, item.values)


def days_since(op: str, values: tuple[Any, ...], now: datetime) -> tuple[datetime | None, datetime | None]:
    """(after, until): the moments since which so many whole days went by are later than the first and not later than the second."""
    least = now - timedelta(days=values[0])
    most = now - timedelta(days=values[-1] + 1)
    spans: dict[str, tuple[datetime | None, datetime | None]] = {
        "equal": (most, least),
        "between": (most, least),
        "less": (least, None),
        "at_most": (most, None),
        "more": (None, most),
        "at_least": (None, least),
    }
    return spans[op]


def compare(op: str, value: ColumnElement[Any], values: tuple[Any, ...]) -> ColumnElement[bool]:
    """A value against one bound or two."""
    if op == "between":
        return and_(value >= values[0], value <= values[1])
    tests: dict[str, Any] = {
        "equal": value == values[0],
        "less": value < values[0],
        "before": value < values[0],
        "at_most": value <= values[0],
        "more": value > values[0],
        "after": value > values[0],
        "at_least": value >= values[0],
    }
    found: ColumnElement[bool] = tests[op]
    return found
