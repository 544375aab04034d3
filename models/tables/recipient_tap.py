"""Stores what people tapped in the messages of campaigns: the first tap of each button by each person."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class RecipientTap(Base):
    """A button that a recipient tapped, a form that they sent back, or products that they ordered from the message."""

    __tablename__ = "recipient_tap"
    __table_args__ = (Index("ix_recipient_tap_campaign", "campaign_id", "place", "title"),)

    recipient_id: Mapped[int] = mapped_column(BigId, ForeignKey("recipient.id"), primary_key=True, autoincrement=False)
    place: Mapped[str] = mapped_column(String(8), primary_key=True)
    """The index of the button from 0, of a card's button after that of the card: `1`, `2.0`."""
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    """The recipient's, so that the figures of a campaign read one index."""
    title: Mapped[str] = mapped_column(String(200))
    """What stood on the button when it was tapped."""
    at: Mapped[datetime]
    """Meta's time of the answer."""
