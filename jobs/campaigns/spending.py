"""Recounts what campaigns and answers were charged, warns when much of the balance is used, and pauses campaigns that exceed it."""

import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.billing.answers import count_answers, months_to_count, store_answer_sums, stored_answer_sums
from models.billing.balance import MARKS, mark_reached, read_balance
from models.billing.charges import answer_charges, campaign_charges
from models.billing.spending import (
    WAITS,
    count_campaign,
    may_be_purged,
    priced_campaigns,
    refresh_spending,
    spending_differs,
)
from models.campaigns.pause import pause_overspent
from models.db.engine import zone_of
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus

log = logging.getLogger("hark.spend")

LOOK_SECONDS = 5.0
REST_SECONDS = 300.0
"""The interval between two counts of a campaign to which few statuses are still to come."""
BUSY = timedelta(hours=1)
"""After this time since its last message most of a campaign's statuses have come."""
SHARE = 20.0
"""The next count waits this many times as long as the last one took: counting uses at most a twentieth of a core."""

WATCHED_FOR = WAITS + timedelta(days=1)
"""Campaigns that ended longer ago are not counted again."""
ACTIVE = CampaignStatus.ACTIVE


class _Look(NamedTuple):
    """When to count a campaign again, on the monotonic clock, and the interval in seconds."""

    due_at: float
    every: float


ANSWERS, EARLIER_ANSWERS = 0, -1
_looks: dict[tuple[str, int], _Look] = {}
"""By installation and campaign id; those two for the answers of bots and agents."""


def watch_spending(rt: Runtime, now: datetime) -> None:
    """Count the campaigns that are due, warn at the marks of the balance, pause campaigns that it no longer covers."""
    with rt.database.read() as session:
        campaigns = _countable(session, now, now - WATCHED_FOR)
    _watch_answers(rt, now)
    for campaign in campaigns:
        key = (rt.installation, campaign.id)
        if key not in _looks or _looks[key].due_at <= time.monotonic():
            began = time.monotonic()
            recount_campaigns(rt, campaign.id, now)
            every = max(_every_seconds(campaign, now), SHARE * (time.monotonic() - began))
            _looks[key] = _Look(time.monotonic() + every, every)
    active = [_looks[rt.installation, campaign.id].every for campaign in campaigns if campaign.status is ACTIVE]
    _pause_overspent(rt, now, LOOK_SECONDS + max(active, default=0.0))


def recount_answers(rt: Runtime, now: datetime, *, newest: int | None = None) -> list[str]:
    """Compute the sums of answers again (`newest`: of so many months) and return the months (2026-11) that differed."""
    changed = []
    with rt.database.read() as session:
        zone = zone_of(session)
    months = months_to_count(now, zone)
    for month in months if newest is None else months[-newest:]:
        with rt.database.read() as session:
            counted = count_answers(session, month, zone)
            stored = (stored_answer_sums(session, month), answer_charges(session, month))
        if counted != stored:
            with rt.database.write() as session:
                store_answer_sums(session, month, counted, now)
            changed.append(f"{month:%Y-%m}")
    return changed


def recount_campaigns(rt: Runtime, campaign_id: int, now: datetime) -> bool:
    """Compute a campaign's sums and charges from its recipients; True if they differed from the stored ones."""
    with rt.database.read() as session:
        # The campaign is read before its recipients: if it was launched by then, all of them are there.
        campaign = session.get_one(Campaign, campaign_id)
        spending = session.get_one(Spending, campaign_id)
        counted = count_campaign(session, spending, campaign.ended_at, now)
        stored_charges = campaign_charges(session, campaign_id)
    if not spending_differs(spending, counted.spent) and counted.charges == stored_charges:
        return False
    with rt.database.write() as session:
        refresh_spending(session, campaign_id, counted, now)
    return True


def recount_spending(rt: Runtime, now: datetime, since: datetime | None = None) -> list[int]:
    """Count every campaign again (`since`: none that ended before) and return the ids of those whose stored sums differed."""
    with rt.database.read() as session:
        ids = [campaign.id for campaign in _countable(session, now, since)]
    return [campaign_id for campaign_id in ids if recount_campaigns(rt, campaign_id, now)]


def _countable(session: Session, now: datetime, since: datetime | None) -> list[Campaign]:
    return [campaign for _, campaign in priced_campaigns(session, since) if not may_be_purged(campaign, now)]


def _watch_answers(rt: Runtime, now: datetime) -> None:
    """Count the answers of this month when they are due, and those of the months before less often."""
    for look, newest, least in ((ANSWERS, 1, LOOK_SECONDS), (EARLIER_ANSWERS, None, REST_SECONDS)):
        key = (rt.installation, look)
        began = time.monotonic()
        if key not in _looks or _looks[key].due_at <= began:
            recount_answers(rt, now, newest=newest)
            every = max(least, SHARE * (time.monotonic() - began))
            _looks[key] = _Look(time.monotonic() + every, every)


def _pause_overspent(rt: Runtime, now: datetime, look_seconds: float) -> None:
    with rt.database.read() as session:
        balance = read_balance(session)
    if balance is None or balance.used_pct < MARKS[0]:
        return
    with rt.database.write() as session:
        paused = pause_overspent(session, now, look_seconds)
        mark = mark_reached(session, now)
    for campaign_id in paused:
        log.warning("campaign %d paused: the balance is used up", campaign_id)
    if mark is not None:
        log.warning("%d %% of the balance is charged or held back", mark)


def _every_seconds(campaign: Campaign, now: datetime) -> float:
    is_sending = campaign.outcome in {CampaignOutcome.PREPARING, CampaignOutcome.SENDING}
    is_recent = campaign.last_sent_at is not None and campaign.last_sent_at + BUSY > now
    return LOOK_SECONDS if is_sending or is_recent else REST_SECONDS
