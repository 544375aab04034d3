"""Loads what a campaign's page shows, for the page and for its live parts."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort
from sqlalchemy import select

from admin.panel.campaigns.held_up import HeldUp, list_held_up
from admin.panel.live_stats import live_stats
from admin.panel.reasons.explained import ExplainedError, explain_error
from jobs.core.runtime import Runtime
from models.campaigns.end import ends_at
from models.campaigns.missing import missing_parts, shown_parts
from models.campaigns.unsure import count_open, count_settled
from models.clock import utcnow
from models.sending.number_rate import number_rate
from models.sending.open_cohorts import count_open_queue
from models.stored_texts import NO_REASON
from models.tables.campaign import (
    EDITABLE,
    LIVE,
    Campaign,
    CampaignOutcome,
    CampaignStatus,
    PauseReason,
    allowed_verbs,
)
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.templates.bound_values import lacking_values
from models.templates.content import content_of
from models.text import Text

SHOWN_VERBS = ("start", "schedule", "unschedule", "pause", "resume", "end")
"""The transitions that an operator makes; the others follow from the content of the form."""
MAX_ERRORS = 500
STAGES = ("candidates", "eligible", "sent", "delivered", "read", "replied")


@dataclass(frozen=True)
class ErrorLine:
    """One of Meta's errors, and how many of the sampled messages had it."""

    error: ExplainedError
    count: int

    @property
    def code(self) -> int | None:
        """Meta's code; None if she gave none."""
        return self.error.code

    @property
    def is_explained(self) -> bool:
        """Whether there is a code or a text."""
        return bool(self.code) or self.error.text != NO_REASON().translated()


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
    lacking: tuple[Text, ...] = ()
    """What a contact may lack that the template needs."""
    missing: str = ""
    """What a draft still lacks, in one line."""
    is_sample: bool = False
    """Whether more messages failed than `errors` counts."""
    held_up: tuple[HeldUp, ...] = ()
    """What Meta's decisions about its templates hold up."""
    open_queue: int = 0
    """How many wait in its open cohorts."""

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
    def number_limit(self) -> int | None:
        """Messages per second of its number, if the campaign's pace is higher; None if the pace is the limit."""
        limit = number_rate(self.campaign.number) if self.campaign.number is not None else None
        return limit if limit is not None and limit < self.per_second else None

    @property
    def seconds_left(self) -> float | None:
        """The seconds left at the pace, or at what the number allows, without who waits for Meta; None if it is not sending."""
        people = self.open_queue + int(self.stats["sending"])
        is_sending = self.campaign.status is CampaignStatus.ACTIVE and people
        return people / (self.number_limit or self.per_second) if is_sending else None

    @property
    def ends_at(self) -> datetime | None:
        """When it ends by itself; None unless it is active or paused."""
        return ends_at(self.campaign) if self.campaign.status in LIVE else None

    @property
    def failure(self) -> str | None:
        """Why nobody got the message, if that is its outcome."""
        if self.campaign.outcome is not CampaignOutcome.FAILED:
            return None
        if not self.stats["eligible"]:
            released = self.stats["not_sent"].get(NotSent.CAMPAIGN_ENDED.value, 0)
            return (
                "It ended before anything was sent." if released else "Everybody was left out; the reasons stand below."
            )
        if any(line.is_explained for line in self.errors):
            return "The errors below say why."
        return "No reason was given for any of the messages."

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
        lacking = tuple(lacking_values(session, content_of(campaign)))
        is_draft = campaign.status is CampaignStatus.DRAFT
        missing = shown_parts(missing_parts(session, campaign)) if is_draft else ""
        held_up = list_held_up(session, campaign)
        is_split = campaign.languages is not None and campaign.status is CampaignStatus.ACTIVE
        open_queue = count_open_queue(session, campaign_id, utcnow()) if is_split else None
        tests = session.scalars(
            select(Campaign.id).where(
                Campaign.tests_id == campaign_id, Campaign.status.in_(LIVE), Campaign.deleted_at.is_(None)
            )
        ).all()
    stats = live_stats().get(rt, [campaign_id]).get(campaign_id)
    if stats is None:
        abort(404)
    is_sample = sum(line.count for line in lines) < stats["failed"]
    return CampaignSummary(
        campaign,
        stats,
        lines,
        tuple(tests),
        unsure,
        settled,
        lacking,
        missing,
        is_sample,
        held_up,
        stats["queued"] if open_queue is None else open_queue,
    )


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
    # Meta sends some failures without an error: a code of 0 is none, and one text of a code is enough.
    errors: dict[int | None, ExplainedError] = {}
    for row in rows:
        code = row.error_code or None
        if code not in errors or row.error_msg:
            errors[code] = explain_error(code, row.error_msg) or ExplainedError(code, NO_REASON().translated())
    counts = Counter(row.error_code or None for row in rows)
    return tuple(ErrorLine(errors[code], count) for code, count in counts.most_common(5))
