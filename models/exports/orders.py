"""Reads orders as rows of cells, the newest that Hark heard of first."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.export import moment
from models.exports.cells import phone_cell
from models.tables.contact import Contact
from models.tables.order import MILLI, Order

COLUMNS = ("external_id", "number", "shop", "phone", "name", "total", "currency", "placed_at", "cancelled_at", "items")


def order_rows(session: Session, before: int | None, limit: int) -> tuple[list[tuple[Any, ...]], int | None]:
    """A page of rows, and the id before which the next one begins; None if this is the last."""
    query = select(Order, Contact).join(Contact, Contact.id == Order.contact_id)
    query = query.where(Order.id < before) if before is not None else query
    found = session.execute(query.order_by(Order.id.desc()).limit(limit)).all()
    rows = [
        (
            order.external_id,
            order.number,
            order.shop,
            phone_cell(contact),
            contact.name,
            Decimal(order.total_milli) / MILLI,
            order.currency,
            moment(order.placed_at),
            moment(order.cancelled_at),
            "; ".join(_item(item) for item in order.items if isinstance(item, dict)),
        )
        for order, contact in found
    ]
    return rows, found[-1][0].id if len(found) == limit else None


def _item(item: dict[str, Any]) -> str:
    quantity = item.get("quantity")
    title = str(item.get("title") or item.get("sku") or "")
    return f"{quantity} × {title}" if quantity not in (None, 1) else title
