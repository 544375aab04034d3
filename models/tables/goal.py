"""Stores the goals of campaigns: what a person who got the message shall do, and within how many days."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, word

MAX_GOALS = 3
"""Per campaign."""
MAX_DAYS = 365


class GoalEvent(StrEnum):
    """What counts for a goal."""

    PURCHASE = "purchase"
    """An order, from the moment on when it was placed; not once it is cancelled."""


class Goal(Base):
    """One goal of a campaign. Once the campaign has started its goals stay as they are."""

    __tablename__ = "goal"
    __table_args__ = (
        CheckConstraint(f"place >= 0 AND place < {MAX_GOALS}", name="place"),
        CheckConstraint(f"within_days >= 1 AND within_days <= {MAX_DAYS}", name="within_days"),
        Index("uq_goal_window", "campaign_id", "event", "within_days", unique=True),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """The position in the campaign file, from 0."""
    event: Mapped[GoalEvent] = mapped_column(word(GoalEvent, "event", grows=True))
    within_days: Mapped[int] = mapped_column(SmallInteger)
    """Days after the message was accepted in which the event counts, of 24 hours each."""
    has_value: Mapped[bool]
    """Whether its money counts as revenue of the campaign."""
