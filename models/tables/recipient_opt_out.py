"""Stores who asked for an end in answer to a campaign: the first time of each recipient, and in which way."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class OptOutWay(StrEnum):
    """How a recipient asked for an end."""

    STOP_WORD = "stop_word"
    """They wrote STOP, or another of the words."""
    BUTTON = "button"
    """They pressed an opt-out button."""
    AGENT = "agent"
    """An agent unsubscribed them for what they wrote."""
    WHATSAPP = "whatsapp"
    """They stopped the business's marketing messages inside WhatsApp, which tells us so."""


class RecipientOptOut(Base):
    """A recipient who asked for an end in answer to the campaign's message (models.results.opt_outs)."""

    __tablename__ = "recipient_opt_out"
    __table_args__ = (Index("ix_recipient_opt_out_campaign", "campaign_id", "way"),)

    recipient_id: Mapped[int] = mapped_column(BigId, ForeignKey("recipient.id"), primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    """The recipient's, so that the figures of a campaign read one index."""
    way: Mapped[OptOutWay] = mapped_column(word(OptOutWay, "way", grows=True))
    at: Mapped[datetime]
    """When they asked: Meta's time, of an agent's decision ours."""
