"""Stores cohorts: the people of a campaign who get the same message. They are queued, claimed and paused together."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, word
from models.tables.campaign import Campaign, PauseReason
from models.tables.template import Template


class Cohort(Base):
    """Those people of a campaign who share template (its language), sending zone and variant. A plain campaign has one.

    Whoever changes a cohort locks its campaign first, as a claim does (models.sending.open_cohorts).
    """

    __tablename__ = "cohort"
    __table_args__ = (
        CheckConstraint("(pause_reason IS NULL) = (paused_at IS NULL)", name="pause_has_a_reason"),
        Index("uq_cohort_position", "campaign_id", "position", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    """Its place among the campaign's cohorts, from 0, in the order of the campaign's languages."""
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id"), index=True)
    variables: Mapped[dict[str, Any] | None]
    """NULL: the campaign's; `media` and `content` the same."""
    media: Mapped[dict[str, Any] | None]
    content: Mapped[dict[str, Any] | None]
    zone: Mapped[str | None] = mapped_column(String(64))
    """The IANA time zone in which its people are written to; NULL: at any time."""
    variant: Mapped[str | None] = mapped_column(String(40))
    is_open: Mapped[bool] = mapped_column(default=True)
    """Whether its people may be written to, apart from `opens_at` and `closes_at`; False: they wait in the queue."""
    opens_at: Mapped[datetime | None]
    """From when on a closed cohort is open all the same."""
    closes_at: Mapped[datetime | None]
    """From when on it is closed; NULL: never."""
    pause_reason: Mapped[PauseReason | None] = mapped_column(word(PauseReason, "pause_reason", grows=True))
    pause_detail: Mapped[str | None] = mapped_column(Text)
    paused_at: Mapped[datetime | None]
    """Since when it is paused alone; a pause of the campaign is on the campaign."""
    resumes_at: Mapped[datetime | None]
    """When a pause ends by itself; NULL if Meta or an operator must end it."""
    edition: Mapped[int] = mapped_column(default=0, server_default="0")
    """Grows when its template is replaced: a lane that knows an earlier one claims nobody with it."""
    has_unassigned: Mapped[bool] = mapped_column(default=False)
    """Whether recipients of the campaign that have no cohort belong to it: those of a launch before cohorts were stored."""
    created_at: Mapped[datetime]

    campaign: Mapped[Campaign] = relationship()
    template: Mapped[Template] = relationship()
