"""Stores lanes: a lane is one running sender with a lease, for one number."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

BEAT_SECONDS = 2.0
LEASE_SECONDS = 8.0
REQUEST_TIMEOUT_SECONDS = 8.0


class Lane(Base):
    """A sender's lease. Its times are of the database server's clock (models.sending.lease)."""

    __tablename__ = "lane"
    __table_args__ = (Index("ix_lane_open", "expires_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number_id: Mapped[int | None] = mapped_column(ForeignKey("number.id"))
    """NULL for the sender of replies, which serves every number."""
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When the sender ended regularly, with no claimed message left."""
    swept_at: Mapped[datetime | None]
    """When the sweep expired it; later it may not claim, and may record nothing but an acceptance."""
