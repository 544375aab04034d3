"""Loads what a campaign's page shows, for the page and for its live parts."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import abort
from sqlalchemy import select

from admin.panel.live_stats import live_stats
from jobs.core.runtime import Runtime
from jobs.sending.pace import campaign_share
from models.campaigns.unsure import count_open, count_settled
from models.sending.number_rate import number_rate
from models.stored_texts import NO_REASON, show_stored
from models.tables.campaign import (
    EDITABLE,
    LIVE,
    Campaign,
    CampaignOutcome,
    CampaignStatus,
    PauseReason,
    allowed_verbs,
)
from models.tables.recipient import Recipient, RecipientState

SHOWN_VERBS = ("start", "schedule", "unschedule", "pause", "resume", "end")
"""The transitions that an operator makes; the others follow from the content of the form."""
MAX_ERRORS = 500
STAGES = ("candidates", "eligible", "sent", "delivered", "read", "replied")


@dataclass(frozen=True)
class ErrorLine:
    """One of Meta's errors, and how many of the sampled messages had it."""

    code: int | None
    text: str
    count: int


@dataclass(frozen=True)
class CampaignSummary:
    """A campaign with its statistics. The rows are detached."""

    campaign: Campaign
    stats: dict[str, Any]
    errors: tuple[ErrorLine, ...]
    running_tests: tuple[int, ...]
    open_unsure: int
    """Unsure messages about which no operator has decided."""
    settled_unsure: int
    """Messages that were unsure until Meta reported their result."""

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verbs of SHOWN_VERBS that the table of transitions allows now."""
        allowed = allowed_verbs(self.campaign.status)
        return tuple(verb for verb in SHOWN_VERBS if verb in allowed)

    @property
    def is_editable(self) -> bool:
        """Whether the form can change it."""
        return self.campaign.status in EDITABLE

    @property
    def is_deletable(self) -> bool:
        """Whether it can be hidden for good."""
        return self.campaign.status not in LIVE

    @property
    def is_launched(self) -> bool:
        """Whether it was started, so that there are recipients to count."""
        return self.campaign.started_at is not None

    @property
    def is_moving(self) -> bool:
        """Whether its statistics may still change, so that the page refreshes them."""
        recently = self.campaign.ended_at is None or self.campaign.outcome in {
            CampaignOutcome.PREPARING,
            CampaignOutcome.SENDING,
        }
        return self.campaign.status in LIVE or self.campaign.status is CampaignStatus.SCHEDULED or (
            self.is_launched and recently
        )  # fmt: skip

    @property
    def may_send_again(self) -> bool:
        """Whether unsure messages can be queued again."""
        return self.campaign.status in LIVE

    @property
    def waiting(self) -> int:
        """The number of recipients to whom it is still to be sent."""
        return int(self.stats["queued"] + self.stats["sending"])

    @property
    def done(self) -> int:
        """The number of recipients whose send was tried."""
        return int(self.stats["eligible"]) - self.waiting

    @property
    def per_second(self) -> float:
        """The configured pace, in messages per second."""
        per_hour = self.campaign.pace_per_hour
        return per_hour / 3600 if per_hour else (self.campaign.pace_per_second or 20.0)

    @property
    def number_limit(self) -> float | None:
        """Messages per second that its number leaves to campaigns, if that is less than the pace; else None."""
        number = self.campaign.number
        limit = campaign_share(number_rate(number)) if number is not None else self.per_second
        return limit if limit < self.per_second else None

    @property
    def seconds_left(self) -> float | None:
        """The seconds left at the pace, or at what the number allows; None if it is not sending."""
        is_sending = self.campaign.status is CampaignStatus.ACTIVE and self.waiting
        return self.waiting / (self.number_limit or self.per_second) if is_sending else None

    @property
    def ends_at(self) -> datetime | None:
        """When it ends by itself; None unless it is active or paused."""
        last = self.campaign.last_sent_at or self.campaign.started_at
        if last is None or self.campaign.status not in LIVE:
            return None
        return last + timedelta(seconds=self.campaign.ends_after_seconds)

    @property
    def pause(self) -> PauseReason | None:
        """Why it is paused; None if it is not."""
        return self.campaign.pause_reason


def campaign_facts(rt: Runtime, campaign_id: int, *, errors: bool = True) -> CampaignSummary:
    """Load a campaign's summary; `errors=False` skips the sample of errors. Aborts with 404 if there is no such campaign."""
    with rt.database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.deleted_at is not None:
            abort(404)
        _ = (
            campaign.number and campaign.number.waba,
            campaign.template,
            campaign.flow,
        )  # loaded while there is a session
        lines = _errors(session, campaign_id) if errors and campaign.started_at else ()
        unsure = count_open(session, campaign_id) if campaign.started_at else 0
        settled = count_settled(session, campaign_id) if campaign.started_at else 0
        tests = session.scalars(
            select(Campaign.id).where(
                Campaign.tests_id == campaign_id, Campaign.status.in_(LIVE), Campaign.deleted_at.is_(None)
            )
        ).all()
    stats = live_stats().get(rt, [campaign_id]).get(campaign_id)
    if stats is None:
        abort(404)
    return CampaignSummary(campaign, stats, lines, tuple(tests), unsure, settled)


def _errors(session: Any, campaign_id: int) -> tuple[ErrorLine, ...]:
    """The most frequent errors in a sample of at most MAX_ERRORS failed messages, since reading a million rows is too slow."""
    rows = session.execute(
        select(Recipient.error_code, Recipient.error_msg)
        .where(
            Recipient.campaign_id == campaign_id,
            Recipient.state.in_((RecipientState.REFUSED, RecipientState.ACCEPTED, RecipientState.HELD)),
            Recipient.status == "failed",
        )
        .limit(MAX_ERRORS)
    ).all()
    texts = {row.error_code or None: show_stored(row.error_msg) or NO_REASON().translated() for row in rows}
    counts = Counter(row.error_code or None for row in rows)
    return tuple(ErrorLine(code, texts[code], count) for code, count in counts.most_common(5))
