"""Stores which conversations hold a message that may ask to be left alone, until a person has looked at it."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class PossibleOptOut(Base):
    """A conversation whose person may want to stop. It changed no consent: an agent unsubscribes them or dismisses it."""

    __tablename__ = "possible_opt_out"

    conversation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("conversation.id"), primary_key=True, autoincrement=False
    )
    message_id: Mapped[int] = mapped_column(BigId)
    """The newest such message. Without a foreign key: old messages are purged."""
    since: Mapped[datetime]
    latest_at: Mapped[datetime]
    """When that message came, by our clock."""
