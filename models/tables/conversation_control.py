"""Stores which conversations another responder on our number has or had (docs/meta.md §7.11)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class Responder(StrEnum):
    """Who may answer in a conversation."""

    US = "us"
    OTHER = "other"


class ConversationControl(Base):
    """Who has a conversation, by the newest event that tells. A conversation without a row is ours."""

    __tablename__ = "conversation_control"

    conversation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("conversation.id"), primary_key=True, autoincrement=False
    )
    responder: Mapped[Responder] = mapped_column(word(Responder, "responder", grows=True))
    at: Mapped[datetime]
    """Meta's time of the event that told it."""
    rank: Mapped[int] = mapped_column(SmallInteger)
    """Of events of one second the one with the higher rank counts: `models.conversations.control.Evidence`."""
    role: Mapped[str] = mapped_column(String(40), default="")
    """Meta's word for the new owner's role; empty if none was told."""
    summary: Mapped[str | None] = mapped_column(Text)
    """What the former responder wrote about the conversation when it was passed to us."""
