"""Stores orders from a shop's file or webhooks, for segments and variables. Hark sells nothing itself."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word

MILLI = 1000
"""Amounts are whole thousandths of the currency: some currencies have three decimals, and sums stay exact."""


class Order(Base):
    """One order of a contact; a cancelled one is not counted."""

    __tablename__ = "contact_order"
    __table_args__ = (
        CheckConstraint("total_milli >= 0", name="total"),
        Index("uq_contact_order_external", "shop", "external_id", unique=True),
        # Every column that a segment aggregates, so that it reads the index alone.
        Index("ix_contact_order_placed", "contact_id", "placed_at", "cancelled_at", "total_milli", "currency"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop: Mapped[str] = mapped_column(String(100), default="")
    external_id: Mapped[str] = mapped_column(String(100))
    """The shop's own id, unique in the shop."""
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"))
    number: Mapped[str] = mapped_column(String(100), default="")
    """The number that the customer sees: `#1001`."""
    total_milli: Mapped[int] = mapped_column(BigInteger)
    """What it is worth now, as the source says: a shop has taken refunds off already, a file need not have."""
    gross_milli: Mapped[int | None] = mapped_column(BigInteger)
    """What it was worth before refunds, where the source says that besides."""
    refunded_milli: Mapped[int | None] = mapped_column(BigInteger)
    """What was refunded in all, where the source says it as one sum; the refunds that a shop tells one by one are `OrderRefund`."""
    currency: Mapped[str] = mapped_column(String(3))
    placed_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    items: Mapped[list[Any]] = mapped_column(default=list)
    """Objects with `title`, `quantity`, `collection` and `brand`, each if it is known."""
    changed_at: Mapped[datetime | None]
    """The shop's time of the newest event applied: an older one that comes late changes nothing."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderItemKind(StrEnum):
    """What a segment can test of the items of an order."""

    COLLECTION = "collection"
    BRAND = "brand"


class OrderItem(Base):
    """A collection or brand of an item of an order: derived from `Order.items`, so that an index can be used."""

    __tablename__ = "bought"

    order_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("contact_order.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[OrderItemKind] = mapped_column(word(OrderItemKind, "kind"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)


def in_milli(amount: float | Decimal) -> int:
    """Convert an amount of money to thousandths."""
    return round(Decimal(str(amount)) * MILLI)
