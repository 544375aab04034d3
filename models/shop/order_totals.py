"""What a contact ordered, as an operator looks at it: the newest orders, and what all of them come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables.order import Order


@dataclass(frozen=True, slots=True)
class Orders:
    """`newest` has the cancelled ones too; the sums count none of them. A sum is (currency, thousandths)."""

    newest: Sequence[Order]
    count: int
    cancelled: int
    sums: Sequence[tuple[str, int]]


def orders_of(session: Session, contact_id: int, limit: int) -> Orders:
    """The newest of a contact's orders, and how many and how much they are in all."""
    mine = select(Order).where(Order.contact_id == contact_id)
    newest = session.scalars(mine.order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit)).all()
    counted = session.execute(
        select(Order.currency, func.count(), func.sum(Order.total_milli))
        .where(Order.contact_id == contact_id, Order.cancelled_at.is_(None))
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    cancelled = session.scalar(
        select(func.count()).where(Order.contact_id == contact_id, Order.cancelled_at.is_not(None))
    )
    sums = [(currency, int(total)) for currency, _, total in counted]
    return Orders(newest, sum(count for _, count, _ in counted), cancelled or 0, sums)
