"""Stores tracked links: the addresses that a campaign's messages lead to, each with the key of its codes."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class TrackedLink(Base):
    """One place of a campaign's messages that leads to one address. Its people's codes are made from its id and its key."""

    __tablename__ = "tracked_link"
    __table_args__ = (
        Index("uq_tracked_link_place", "campaign_id", "field", "url", unique=True),
        # The number of a purged link is never used again: people's messages have it in their codes.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    field: Mapped[str] = mapped_column(String(120))
    """Where it stands in the message: the field of the campaign file, or the flow and the node of a flow's message."""
    url: Mapped[str] = mapped_column(String(2000))
    """The destination, in ASCII."""
    key: Mapped[str] = mapped_column(String(64))
    """The secret under which its codes are signed (models.clicks.codes)."""
    created_at: Mapped[datetime]
