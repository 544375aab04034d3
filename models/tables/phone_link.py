"""Stores the codes by which users link their phones for chat-ops, and the wrong codes that phones sent."""

import hashlib
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class LinkOutcome(StrEnum):
    """What came of a code that was sent."""

    LINKED = "linked"
    PHONE_TAKEN = "phone_taken"
    """The phone is linked to another user."""
    PHONE_HIDDEN = "phone_hidden"
    """WhatsApp does not show the sender's number."""


class PhoneLinkCode(Base):
    """The newest code of a user; of the code only the hash is stored. A user has one at a time."""

    __tablename__ = "phone_link_code"
    __table_args__ = (Index("uq_phone_link_code_hash", "code_hash", unique=True),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True, autoincrement=False)
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    outcome: Mapped[LinkOutcome | None] = mapped_column(word(LinkOutcome, "outcome", grows=True))


class WrongLinkCode(Base):
    """A wrong code, without the code; kept for an hour, in which they are counted."""

    __tablename__ = "wrong_link_code"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sender_hash: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


def link_code_hash(code: str) -> str:
    """Return the stored hash of a normalized code. It has 50 random bits and lives for minutes, so an unsalted hash is enough."""
    return hashlib.sha256(code.encode()).hexdigest()
