"""Compiles conditions on orders to SQL: number, amounts, times, collections and brands.

Cancelled orders are not counted. A contact without orders has 0 orders and spent 0, and matches no range of averages, days or
dates. Each condition reads one contact's orders in an index, so its cost per contact is the same in a slice and over all.
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
    """Compile a condition on the orders of a row of `contact`; never NULL."""
    order = aliased(Order)
    of_contact = [order.contact_id == contact.c.id, order.cancelled_at.is_(None)]
    if item.currency:
        of_contact.append(order.currency == item.currency)
    if item.on in KINDS:
        bought = aliased(OrderItem)
        of_item = (bought.order_id == order.id, bought.kind == KINDS[item.on], bought.name.in_(item.values))
        has_item = Probe().where(*of_contact, *of_item)
        return not_(has_item) if item.op in {"is_not", "not_in"} else has_item
    test = select(_test(item, now, order)).where(*of_contact).correlate(contact).scalar_subquery()
    return func.coalesce(test, literal(False))


def _test(item: RuleCondition, now: datetime, order: type[Order]) -> ColumnElement[bool]:
    """Return the aggregate test over the contact's orders; NULL if it needs an order and there is none."""
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
    """Return (after, until): times that are `values` whole days ago are in `after < time <= until`; None is no bound."""
    latest = now - timedelta(days=values[0])
    earliest = now - timedelta(days=values[-1] + 1)
    bounds: dict[str, tuple[datetime | None, datetime | None]] = {
        "equal": (earliest, latest),
        "between": (earliest, latest),
        "less": (latest, None),
        "at_most": (earliest, None),
        "more": (None, earliest),
        "at_least": (None, latest),
    }
    return bounds[op]


def compare(op: str, value: ColumnElement[Any], values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Compare a value with one bound, or with two for `between`."""
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
    condition: ColumnElement[bool] = tests[op]
    return condition
