"""What people bought: orders from a shop's file or its webhooks, for segments alone. Nothing is sold here."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word

MILLI = 1000
"""Money is kept in thousandths of its currency, whole: some currencies have three decimals, and sums stay exact."""


class Order(Base):
    """One order of a contact; a cancelled one counts for nothing."""

    __tablename__ = "contact_order"
    __table_args__ = (
        CheckConstraint("total_milli >= 0", name="total"),
        Index("uq_contact_order_external", "shop", "external_id", unique=True),
        # All that a segment adds up of a contact's orders, so that it reads the index alone.
        Index("ix_contact_order_placed", "contact_id", "placed_at", "cancelled_at", "total_milli", "currency"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop: Mapped[str] = mapped_column(String(100), default="")
    external_id: Mapped[str] = mapped_column(String(100))
    """The shop's own id, unique in the shop."""
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"))
    number: Mapped[str] = mapped_column(String(100), default="")
    """What the customer reads: `#1001`."""
    total_milli: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    placed_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    items: Mapped[list[Any]] = mapped_column(default=list)
    """`{"title", "quantity", "collection", "brand"}` each; what is not known is not there."""
    changed_at: Mapped[datetime | None]
    """The shop's time of the newest news applied: older ones that come late change nothing."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderItemKind(StrEnum):
    """What a segment can ask of the things in an order."""

    COLLECTION = "collection"
    BRAND = "brand"


class OrderItem(Base):
    """A collection or brand of which something is in an order: `items`, in the form that an index can answer."""

    __tablename__ = "bought"

    order_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("contact_order.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[OrderItemKind] = mapped_column(word(OrderItemKind, "kind"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)


def in_milli(amount: float | Decimal) -> int:
    """An amount of money in thousandths."""
    return round(Decimal(str(amount)) * MILLI)
