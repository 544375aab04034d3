"""Stores how many people replied to an ended campaign and how many messages answered them. It names no person."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class CampaignReplies(Base):
    """The sums of one ended campaign; messages are purged later, so they are counted once its conversations are over."""

    __tablename__ = "campaign_replies"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    delivered: Mapped[int] = mapped_column(BigId)
    """Number of people whose message was delivered."""
    replied: Mapped[int] = mapped_column(BigId)
    answers: Mapped[int] = mapped_column(BigId)
    """Number of messages that Meta accepted from the bot flow for these people."""
    counted_at: Mapped[datetime]
