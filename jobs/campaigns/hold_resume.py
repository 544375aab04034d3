"""Pauses campaigns while webhooks are not processed (`ingest_lag`) and resumes pauses whose time is over.

Campaigns pause when the oldest unread event is over a minute old or no consumer sends a heartbeat, and resume when both are fine
again. A pause with an end (`limit_reached`) is resumed at that time. Resuming runs the preflight again, in a job of its own.
"""

import logging
import time
from datetime import datetime

from sqlalchemy import or_, select

from jobs.campaigns.lifecycle import resume_campaign
from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import RESUME_WHEN_CLEAR
from jobs.ingest.consumer import lag
from models.campaigns.pause import pause_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import EVENTS_OLD, EVENTS_UNREAD
from models.tables.audit import MONITOR
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.text import Text

log = logging.getLogger("hark.guard")

HOLD_AFTER_SECONDS = 60.0
"""Age of the oldest unread event beyond which campaigns pause."""
RESUME_BELOW_SECONDS = 10.0
NO_CONSUMER_SECONDS = 20.0
"""How long there may be no heartbeat of a consumer before campaigns pause: a restart takes a second or two."""


class IngestWatch:
    """Watches whether webhooks are processed, for one schedule.

    `is_lagging` and `is_well` are not opposites: where both are False nothing changes. `reason` says why it lags, else it is None.
    """

    def __init__(self) -> None:
        self._silent_since: float | None = None
        self.reason: Text | None = None

    def look(self, rt: Runtime) -> tuple[bool, bool]:
        """Measure the lag and return (is_lagging, is_well)."""
        ingest = lag(rt)
        if ingest.is_alive:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()
        silent_seconds = 0.0 if self._silent_since is None else time.monotonic() - self._silent_since
        if ingest.seconds > HOLD_AFTER_SECONDS:
            self.reason = EVENTS_OLD(seconds=round(ingest.seconds))
        elif silent_seconds > NO_CONSUMER_SECONDS:
            self.reason = EVENTS_UNREAD()
        else:
            self.reason = None
        return self.reason is not None, ingest.is_alive and ingest.seconds < RESUME_BELOW_SECONDS


_watch = IngestWatch()


def pause_while_ingest_lags(rt: Runtime, now: datetime) -> None:
    """Pause the active campaigns if ingest lags, and enqueue a job for each paused one that may be resumed."""
    _, is_well = _watch.look(rt)
    if _watch.reason is not None:
        _pause_all(rt, now, _watch.reason)
    _enqueue_resumable(rt, now, is_well=is_well)


def _pause_all(rt: Runtime, now: datetime, reason: Text) -> None:
    with rt.database.read() as session:
        active_ids = session.scalars(select(Campaign.id).where(Campaign.status == CampaignStatus.ACTIVE)).all()
    for campaign_id in active_ids:
        with rt.database.write() as session:
            is_paused = pause_campaign(session, campaign_id, PauseReason.INGEST_LAG, reason, now, MONITOR)
        if is_paused:
            log.warning("campaign %d paused: %s", campaign_id, PauseReason.INGEST_LAG)


def _enqueue_resumable(rt: Runtime, now: datetime, *, is_well: bool) -> None:
    is_over = Campaign.resumes_at <= now
    with rt.database.read() as session:
        resumable_ids = session.scalars(
            select(Campaign.id).where(
                Campaign.status == CampaignStatus.PAUSED,
                or_(is_over, Campaign.pause_reason == PauseReason.INGEST_LAG) if is_well else is_over,
            )
        ).all()
    if resumable_ids and not may_take_irreversible_steps(rt):
        return  # what is sent cannot be taken back
    for campaign_id in resumable_ids:
        RESUME_WHEN_CLEAR.enqueue(rt.redis, campaign_id)


def resume_when_clear(campaign_id: int) -> None:
    """Resume the campaign if the preflight allows it (a job). Else it stays paused, and the schedule tries again a minute later."""
    rt, now = runtime(), utcnow()
    with rt.database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        may_resume = campaign is not None and (
            campaign.pause_reason is PauseReason.INGEST_LAG
            or (campaign.resumes_at is not None and campaign.resumes_at <= now)
        )
    if not may_resume or not may_take_irreversible_steps(rt):
        return
    try:
        resume_campaign(rt, campaign_id, now, MONITOR)
    except OperatorError as error:
        log.warning("%s", error)
    else:
        RESUME_WHEN_CLEAR.started(rt.redis, campaign_id)
        log.info("campaign %d goes on", campaign_id)
