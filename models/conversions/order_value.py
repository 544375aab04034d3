"""Reads orders with what they are worth after refunds."""

from collections.abc import Iterable

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models.conversions.attribution import OrderValue
from models.db.bulk import among
from models.tables.order import Order
from models.tables.order_refund import OrderRefund


def refunded_milli(total: int, gross: int | None, stated: int | None, single: int) -> tuple[int, int]:
    """What was ordered, and what was refunded of it, both in thousandths.

    `total` is what the source says that the order is worth now, `gross` what it was worth before refunds. A shop has refunds in
    both, and tells them one by one besides (`single`, their sum); a file says a sum (`stated`). The same refund is never
    subtracted twice: what counts is the largest that any of them says.
    """
    ordered = max(total, gross or 0)
    return ordered, min(ordered, max(ordered - total, stated or 0, single))


def orders_of(session: Session, contact_ids: Iterable[int]) -> list[OrderValue]:
    """The orders of these people that count, without those that were cancelled."""
    single = func.coalesce(func.sum(OrderRefund.amount_milli), 0)
    columns = (
        Order.id,
        Order.contact_id,
        Order.placed_at,
        Order.currency,
        Order.total_milli,
        Order.gross_milli,
        Order.refunded_milli,
    )
    # Money in another currency than the order's cannot be subtracted from it.
    is_of_order = and_(OrderRefund.order_id == Order.id, OrderRefund.currency == Order.currency)
    query = select(*columns, single.label("single")).outerjoin(OrderRefund, is_of_order).group_by(*columns)
    rows = session.execute(query.where(among(session, Order.contact_id, contact_ids), Order.cancelled_at.is_(None)))
    return [
        OrderValue(
            row.id,
            row.contact_id,
            row.placed_at,
            row.currency,
            *refunded_milli(row.total_milli, row.gross_milli, row.refunded_milli, int(row.single)),
        )
        for row in rows
    ]
