"""Stores webhook events that could not be applied: parked statuses, which match no row yet, and dead letters."""

import base64
from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class ParkedStatus(Base):
    """A status that matches no row yet: kept 7 days if its callback data is ours, else 10 minutes."""

    __tablename__ = "parked_status"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    wamid: Mapped[str] = mapped_column(String(300), index=True)
    callback_data: Mapped[str | None] = mapped_column(String(512))
    status: Mapped[dict[str, Any]]
    """`models.events.types.Status` as JSON."""
    first_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class DeadLetter(Base):
    """A payload that could not be processed, with its error; it can be replayed, and does not block its batch."""

    __tablename__ = "dead_letter"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    checksum: Mapped[str] = mapped_column(String(64), unique=True)
    """Of the payload: the same payload is counted again, not stored twice."""
    payload: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    times: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime]
    """When it came first: the start of its retention, never changed."""
    last_at: Mapped[datetime] = mapped_column(index=True)
    """When it came again, or failed again in a replay."""
    replayed_at: Mapped[datetime | None]


BASE64 = "base64:"
SHOP_MARK = b"shopify "
"""How a shop's event begins, so that it is taken for nothing else."""


def to_bytes(text: str) -> bytes:
    """Return the original bytes of a stored payload."""
    return base64.b64decode(text.removeprefix(BASE64)) if text.startswith(BASE64) else text.encode()


def payload_text(raw: bytes) -> str:
    """Return a payload as text: itself if that can be stored and searched, else `base64:…`."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = ""
    is_plain = text and "\x00" not in text and not text.startswith(BASE64)
    return text if is_plain else BASE64 + base64.b64encode(raw).decode()
