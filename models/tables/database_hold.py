"""Stores holds: what waits for an operator because the database was found to be older than what it caused."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word
from models.tables.campaign import CampaignStatus


class HoldCause(StrEnum):
    """By what the older database was recognised."""

    BEHIND = "behind"
    """A copy of the epoch outside of the database is ahead of it."""
    NO_COPY = "no_copy"
    """It has sent before, and no copy of its epoch is here: a new machine."""
    OUTSIDE = "outside"
    """Meta speaks of a message of ours that this database has not sent yet."""


class DatabaseHold(Base):
    """One discovery. While one is not released nothing is sent by itself; `released_by` is an operator."""

    __tablename__ = "database_hold"
    __table_args__ = (
        Index(
            "uq_database_hold_open",
            text("(released_at IS NULL)"),
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cause: Mapped[HoldCause] = mapped_column(word(HoldCause, "cause", grows=True))
    noticed_at: Mapped[datetime]
    epoch: Mapped[int] = mapped_column(BigId)
    """The database's own, when it was noticed."""
    known_epoch: Mapped[int | None] = mapped_column(BigId)
    """The highest copy outside; NULL without one."""
    marks_cursor: Mapped[int] = mapped_column(BigId, default=0)
    """The highest contact id to which the marks were applied (models.restore.marks)."""
    marks_done_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None] = mapped_column(String(254))


class HeldCampaign(Base):
    """A campaign that the older database held in a state in which it may since have been sent. One row a campaign."""

    __tablename__ = "held_campaign"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    hold_id: Mapped[int] = mapped_column(ForeignKey("database_hold.id"), index=True)
    status: Mapped[CampaignStatus] = mapped_column(word(CampaignStatus, "status", grows=True))
    """As it was in the copy."""
    settled_at: Mapped[datetime | None]
    """When the last of its people on the way became `unsure`; it is not resumed before."""
    released_at: Mapped[datetime | None]
    """When an operator let it go on."""
