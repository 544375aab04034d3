"""We do not talk while we cannot hear, and what was to lift by itself lifts.

Campaigns hold with `ingest_lag` when the oldest unread event is over a minute old or no consumer beats, and go on when both are
well again. A pause with a time (`limit_reached`) lifts at that time. Going on runs the preflight again, in a job of its own.
"""

import logging
import time
from datetime import datetime

from sqlalchemy import or_, select

from jobs.campaigns.lifecycle import resume_campaign
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import RESUME_WHEN_CLEAR
from jobs.ingest.consumer import lag
from models.campaigns.pause import pause_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import MONITOR
from models.tables.campaign import Campaign, CampaignStatus, PauseReason

log = logging.getLogger("hark.guard")

HOLD_AFTER_SECONDS = 60.0
WELL_BELOW_SECONDS = 10.0
DEAF_SECONDS = 20.0
"""How long no consumer may beat before campaigns hold: a restart takes a second or two."""


class IngestWatch:
    """Whether we hear, as one schedule sees it. `is_deaf` and `is_well` are not opposites: between them nothing changes."""

    def __init__(self) -> None:
        self._silent_since: float | None = None
        self.reason = ""

    def look(self, rt: Runtime) -> tuple[bool, bool]:
        """(is_deaf, is_well) now."""
        found = lag(rt)
        if found.is_alive:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()
        silent_seconds = 0.0 if self._silent_since is None else time.monotonic() - self._silent_since
        if found.seconds > HOLD_AFTER_SECONDS:
            self.reason = f"The oldest unread event is {found.seconds:.0f} seconds old."
        elif silent_seconds > DEAF_SECONDS:
            self.reason = "No process reads what comes in from Meta."
        else:
            self.reason = ""
        return bool(self.reason), found.is_alive and found.seconds < WELL_BELOW_SECONDS


_hearing = IngestWatch()


def pause_while_ingest_lags(rt: Runtime, now: datetime) -> None:
    """One round: hold what must hold, wake what may go on."""
    is_deaf, is_well = _hearing.look(rt)
    if is_deaf:
        _hold(rt, now, _hearing.reason)
    _wake_lifting(rt, now, is_well=is_well)


def _hold(rt: Runtime, now: datetime, reason: str) -> None:
    with rt.database.read() as session:
        active = session.scalars(select(Campaign.id).where(Campaign.status == CampaignStatus.ACTIVE)).all()
    for campaign_id in active:
        with rt.database.write() as session:
            detail = f"{reason} Hark goes on when it hears again."
            is_paused = pause_campaign(session, campaign_id, PauseReason.INGEST_LAG, detail, now, MONITOR)
        if is_paused:
            log.warning("campaign %d paused: %s", campaign_id, PauseReason.INGEST_LAG)


def _wake_lifting(rt: Runtime, now: datetime, *, is_well: bool) -> None:
    lifts = Campaign.resumes_at <= now
    with rt.database.read() as session:
        lifting = session.scalars(
            select(Campaign.id).where(
                Campaign.status == CampaignStatus.PAUSED,
                or_(lifts, Campaign.pause_reason == PauseReason.INGEST_LAG) if is_well else lifts,
            )
        ).all()
    for campaign_id in lifting:
        RESUME_WHEN_CLEAR.enqueue(rt.redis, campaign_id)


def resume_when_clear(campaign_id: int) -> None:
    """The job: go on if the preflight allows it. One that may not stays paused and is asked again a minute later."""
    rt, now = runtime(), utcnow()
    with rt.database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        lifts = campaign is not None and (
            campaign.pause_reason is PauseReason.INGEST_LAG
            or (campaign.resumes_at is not None and campaign.resumes_at <= now)
        )
    if not lifts:
        return
    try:
        resume_campaign(rt, campaign_id, now, MONITOR)
    except OperatorError as error:
        log.warning("%s", error)
    else:
        RESUME_WHEN_CLEAR.started(rt.redis, campaign_id)
        log.info("campaign %d goes on", campaign_id)
