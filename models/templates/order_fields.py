"""What a template can say of a contact's latest order, as SQL. A cancelled order counts for nothing."""

from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, func, literal, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import FromClause

from models.db.functions import DayOf, FirstItemText
from models.tables.order import MILLI, Order

ORDER_FIELDS = ("number", "total", "currency", "product", "collection", "brand", "placed_at")
"""`product`, `collection` and `brand` are those of the first thing in the order, a collection the first of its collections."""
_IN_ITEM = {"product": "title", "collection": "collection", "brand": "brand"}


def order_value(field: str, contact: FromClause) -> ColumnElement[Any]:
    """The field of the latest order of a row of `contact`, the one with the higher id of two at a time; NULL without one.

    It reads one entry of the index of contacts and moments, whatever the contact ordered before.
    """
    order = aliased(Order)
    latest = (
        select(func.nullif(func.trim(_text(field, order)), ""))
        .where(order.contact_id == contact.c.id, order.cancelled_at.is_(None))
        .order_by(order.placed_at.desc(), order.id.desc())
        .limit(1)
    )
    return latest.correlate(contact).scalar_subquery()


def _text(field: str, order: type[Order]) -> ColumnElement[Any]:
    if field in _IN_ITEM:
        return FirstItemText(order.items, literal(_IN_ITEM[field]))
    if field == "total":
        return _amount(order)
    if field == "placed_at":
        return DayOf(order.placed_at)
    return cast(order.currency if field == "currency" else order.number, String)


def _amount(order: type[Order]) -> ColumnElement[Any]:
    """`19.90`, from whole thousandths: with two decimals, and a third where it has one."""
    whole, part = order.total_milli // MILLI, order.total_milli % MILLI
    decimals = func.substr(cast(part + MILLI, String), 2, case((part % 10 == 0, 2), else_=3))
    return cast(whole, String) + literal(".") + decimals
