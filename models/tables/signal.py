"""Stores what signals are judged by: the counts of each campaign, and the thresholds learnt from those that ended.

Both are derived from other rows and can be counted again at any time (models.signals).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word
from models.tables.campaign import CampaignType


class SignalKind(StrEnum):
    """What a signal says about a campaign, in the order in which signals are shown."""

    BALANCE = "balance"
    """Money stops messages: the balance, or Meta's billing."""
    NO_CALLING_CODE = "no_calling_code"
    NO_CONSENT = "no_consent"
    LOW_DELIVERY = "low_delivery"
    MARKETING_CAP = "marketing_cap"
    """Meta keeps messages back because people had enough marketing (docs/meta.md §4.6)."""
    OPT_OUTS = "opt_outs"
    TEMPLATE_QUALITY = "template_quality"
    TOO_OFTEN = "too_often"
    LOW_READ = "low_read"
    LOW_CLICK = "low_click"


class SignalCount(Base):
    """The last count of one campaign, for its signals."""

    __tablename__ = "signal_count"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    type: Mapped[CampaignType | None] = mapped_column(word(CampaignType, "type", grows=True))
    """The campaign's, so that like is compared to like."""
    figures: Mapped[dict[str, Any]]
    """SignalKind → `{"part": people, "whole": people, "values": {…}}`. A kind that cannot be judged yet, or never, is absent."""
    first_id: Mapped[int | None] = mapped_column(BigId)
    """The lowest id of its recipients, `last_id` the highest: samples are spread between them. Found once, after the launch."""
    last_id: Mapped[int | None] = mapped_column(BigId)
    counted_at: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(default=0.0)
    """How long counting took: the next count waits many times as long."""
    is_final: Mapped[bool] = mapped_column(default=False)
    """Whether nothing more is expected to change it."""


class SignalThreshold(Base):
    """What is usual in this installation, by type of campaign and kind of signal. Where there is no row the default applies."""

    __tablename__ = "signal_threshold"
    __table_args__ = (
        CheckConstraint("share BETWEEN 0 AND 1 AND median BETWEEN 0 AND 1", name="share"),
        CheckConstraint("campaigns > 0", name="campaigns"),
    )

    type: Mapped[CampaignType] = mapped_column(word(CampaignType, "type", grows=True), primary_key=True)
    kind: Mapped[SignalKind] = mapped_column(word(SignalKind, "kind", grows=True), primary_key=True)
    share: Mapped[float]
    """The threshold, 0 to 1."""
    median: Mapped[float]
    """Of the same campaigns, 0 to 1."""
    campaigns: Mapped[int]
    """How many it was learnt from."""
    learnt_at: Mapped[datetime]
