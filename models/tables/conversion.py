"""Stores which orders belong to which campaign's message. All rows are derived, and can be made again (models.conversions)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class AttributionModel(StrEnum):
    """Which of several messages an order belongs to."""

    LAST_TOUCH = "last_touch"
    FIRST_TOUCH = "first_touch"


class Touch(StrEnum):
    """What the person had done with the message before they ordered, the strongest first."""

    CLICKED = "clicked"
    READ = "read"
    DELIVERED = "delivered"


class Conversion(Base):
    """An order that belongs to a recipient of a campaign: in each model to one at most."""

    __tablename__ = "conversion"
    __table_args__ = (
        # Every column that the figures add up, so that they read the index alone.
        Index(
            "ix_conversion_figures",
            "campaign_id",
            "model",
            "recipient_id",
            "within_days",
            "has_value",
            "currency",
            "total_milli",
            "refunded_milli",
        ),
        Index("ix_conversion_newest", "campaign_id", "model", "ordered_at", "order_id"),
        Index("ix_conversion_recipient", "recipient_id", "model"),
    )

    order_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("contact_order.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    model: Mapped[AttributionModel] = mapped_column(word(AttributionModel, "model", grows=True), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    """The recipient's, so that the figures of a campaign read one index."""
    recipient_id: Mapped[int] = mapped_column(BigId, ForeignKey("recipient.id", ondelete="CASCADE"))
    touch: Mapped[Touch] = mapped_column(word(Touch, "touch", grows=True))
    touched_at: Mapped[datetime]
    """When they did it: the last time before the order, in the model of the first touch the first time."""
    within_days: Mapped[int] = mapped_column(SmallInteger)
    """In which day after the message was accepted the order was placed, from 1: it counts for goals of so many days and more."""
    has_value: Mapped[bool]
    """Whether one of these goals counts the money."""
    ordered_at: Mapped[datetime]
    currency: Mapped[str] = mapped_column(String(3))
    total_milli: Mapped[int] = mapped_column(BigInteger)
    """What was ordered, before refunds, in thousandths of the currency."""
    refunded_milli: Mapped[int] = mapped_column(BigInteger)
    """What was refunded of it; never more than the total."""


class ConversionChange(Base):
    """A contact whose orders have to be attributed again, because an order, a refund, a message or a click of theirs changed.

    Triggers of the database write the row in the transaction of the change, each change its own. An attribution deletes exactly the
    rows that it read, so a change that is committed meanwhile is found by the next one.
    """

    __tablename__ = "conversion_change"
    # An id is never used again: two attributions may have read the same rows, and the later one deletes no newer row.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId)
    """Without a foreign key: the row is written in the path of statuses, and lives for seconds."""
