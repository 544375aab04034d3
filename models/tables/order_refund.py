"""Stores the refunds of orders that a shop tells one by one."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class OrderRefund(Base):
    """A refund of an order, whole or in part. It may come before its order, and waits for it then."""

    __tablename__ = "order_refund"
    __table_args__ = (
        CheckConstraint("amount_milli >= 0", name="amount"),
        Index("uq_order_refund_external", "shop", "order_external_id", "external_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop: Mapped[str] = mapped_column(String(100))
    order_external_id: Mapped[str] = mapped_column(String(100))
    external_id: Mapped[str] = mapped_column(String(100))
    """The shop's own id of the refund."""
    order_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("contact_order.id", ondelete="CASCADE"), index=True)
    """NULL until the order is known."""
    amount_milli: Mapped[int] = mapped_column(BigInteger)
    """What was paid back so far, in thousandths of the currency; it only grows."""
    currency: Mapped[str] = mapped_column(String(3))
    refunded_at: Mapped[datetime]
    created_at: Mapped[datetime]
