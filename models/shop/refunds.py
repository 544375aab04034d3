"""Stores the refunds that a shop tells one by one, in whatever order they and their orders come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.order import Order
from models.tables.order_refund import OrderRefund

WAITS_FOR_ORDER = timedelta(days=30)
SLICE = 500
_TABLE = cast(Table, OrderRefund.__table__)


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A refund as the shop tells it. `amount_milli`: what was paid back so far, in thousandths."""

    order_id: str
    id: str
    amount_milli: int
    currency: str
    refunded_at: datetime


def store_refunds(session: Session, shop: str, refunds: Sequence[NewRefund], now: datetime) -> None:
    """Store refunds of orders of the shop, known or not. The same one again changes nothing, unless more was paid back."""
    if not refunds:
        return
    order_ids = {refund.order_id for refund in refunds}
    known = select(Order.external_id, Order.id).where(Order.shop == shop, Order.external_id.in_(order_ids))
    orders = dict(session.execute(known).all())
    rows = [
        {
            "shop": shop,
            "order_external_id": refund.order_id,
            "external_id": refund.id,
            "order_id": orders.get(refund.order_id),
            "amount_milli": refund.amount_milli,
            "currency": refund.currency,
            "refunded_at": refund.refunded_at,
            "created_at": now,
        }
        for refund in sorted(refunds, key=lambda refund: (refund.order_id, refund.id))
    ]
    statement = insert_into(session, _TABLE)
    new = statement.excluded
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=["shop", "order_external_id", "external_id"],
            set_={"amount_milli": new.amount_milli, "currency": new.currency, "refunded_at": new.refunded_at},
            where=_TABLE.c.amount_milli < new.amount_milli,
        ),
        rows,
    )
    link_refunds(session, shop, order_ids)


def link_refunds(session: Session, shop: str, order_external_ids: Collection[str]) -> None:
    """Give refunds that came before their order to the order, where it is known by now."""
    order_id = select(Order.id).where(Order.shop == shop, Order.external_id == OrderRefund.order_external_id)
    session.execute(
        update(OrderRefund)
        .where(
            OrderRefund.shop == shop,
            OrderRefund.order_external_id.in_(order_external_ids),
            OrderRefund.order_id.is_(None),
        )
        .values(order_id=order_id.scalar_subquery()),
        execution_options=NO_SYNC,
    )


def purge_refunds(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete refunds whose order never came."""
    waiting = select(OrderRefund.id).where(
        OrderRefund.order_id.is_(None), OrderRefund.created_at < now - WAITS_FOR_ORDER
    )
    done: Any = session.execute(
        delete(OrderRefund).where(OrderRefund.id.in_(waiting.limit(limit).scalar_subquery())),
        execution_options=NO_SYNC,
    )
    return int(done.rowcount)
