"""Compiles the fields of a contact's latest order to SQL, for a template's variables. Cancelled orders are ignored."""

from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, func, literal, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import FromClause

from models.db.functions import DayOf, FirstItemText, MomentText
from models.tables.order import MILLI, Order

ORDER_FIELDS = ("number", "total", "currency", "product", "collection", "brand", "placed_at")
"""`product`, `collection` and `brand` are of the first item of the order; of several collections the first."""
_IN_ITEM = {"product": "title", "collection": "collection", "brand": "brand"}


def order_value(field: str, contact: FromClause, form: str | None = None) -> ColumnElement[Any]:
    """Return the field of the latest order of a row of `contact`, of two at the same time the one with the higher id; NULL if none.

    `form` is the format in which it will be shown: for a date the whole moment is needed, for money the currency.
    It reads one entry of an index, however many orders the contact has.
    """
    order = aliased(Order)
    latest = (
        select(func.nullif(func.trim(_text(field, order, form)), ""))
        .where(order.contact_id == contact.c.id, order.cancelled_at.is_(None))
        .order_by(order.placed_at.desc(), order.id.desc())
        .limit(1)
    )
    return latest.correlate(contact).scalar_subquery()


def _text(field: str, order: type[Order], form: str | None) -> ColumnElement[Any]:
    if field in _IN_ITEM:
        return FirstItemText(order.items, literal(_IN_ITEM[field]))
    if field == "total":
        return _amount(order) + literal(" ") + order.currency if form == "money" else _amount(order)
    if field == "placed_at":
        return MomentText(order.placed_at) if form == "date" else DayOf(order.placed_at)
    return cast(order.currency if field == "currency" else order.number, String)


def _amount(order: type[Order]) -> ColumnElement[Any]:
    """Format thousandths as `19.90`: with two decimals, or three if the third is not 0."""
    whole, part = order.total_milli // MILLI, order.total_milli % MILLI
    decimals = func.substr(cast(part + MILLI, String), 2, case((part % 10 == 0, 2), else_=3))
    return cast(whole, String) + literal(".") + decimals
