"""Stores sums over recipients: per block of ids and per campaign. They are derived from the rows and can be made again at any time.

Nothing that sends or applies events writes them. A trigger of the database notes the block of a changed row (`RecipientChange`);
a periodic job counts such blocks again (models.results.blocks) and adds them up per campaign (models.results.roll_up).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class RecipientChange(Base):
    """A block in which a row changed since it was last counted. PostgreSQL adds a row per statement, SQLite one per block."""

    __tablename__ = "recipient_change"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    block: Mapped[int] = mapped_column(BigInteger, index=True)


class RecipientBlock(Base):
    """The sums of one campaign's recipients whose ids are in one block."""

    __tablename__ = "recipient_block"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Without a foreign key, as in the other sums: they follow the rows, and the last go when the campaign's are purged."""
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, index=True)
    """Of the recipient's id: models.results.blocks.BLOCK_BITS."""
    figures: Mapped[dict[str, Any]]
    """`models.results.figures.Figures` as JSON."""
    counted_at: Mapped[datetime]


class CampaignResult(Base):
    """The sums of a campaign's blocks."""

    __tablename__ = "campaign_result"
    __table_args__ = (
        Index(
            "ix_campaign_result_stale",
            "campaign_id",
            sqlite_where=text("is_stale"),
            postgresql_where=text("is_stale"),
        ),
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_stale: Mapped[bool] = mapped_column(default=True)
    """Whether a block was counted again since."""
    people: Mapped[int] = mapped_column(default=0)
    figures: Mapped[dict[str, Any] | None]
    """As of a block, without the curve; NULL until they are first added up."""
    curve: Mapped[dict[str, Any] | None]
    """`models.results.curve.Curve` as JSON."""
    steps: Mapped[list[Any] | None]
    """The steps of its bot flow: [step, people, median seconds]."""
    counted_at: Mapped[datetime | None]


class ResultHour(Base):
    """The people of a campaign and language whose message Meta accepted in one hour, and what became of them since."""

    __tablename__ = "result_hour"
    __table_args__ = (Index("ix_result_hour_hour", "hour"),)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    """Its beginning, UTC."""
    sent: Mapped[int]
    delivered: Mapped[int]
    read: Mapped[int]
    replied: Mapped[int]
    opted_out: Mapped[int]
