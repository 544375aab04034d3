"""Recounts what campaigns were charged, warns when much of the balance is used, and pauses campaigns that exceed it."""

import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from jobs.core.runtime import Runtime
from models.billing.balance import MARKS, mark_reached, read_balance
from models.billing.spending import WAITS, count_spent, priced_campaigns, refresh_spending, spending_differs
from models.campaigns.pause import pause_overspent
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


_looks: dict[tuple[str, int], _Look] = {}
"""By installation and campaign id."""


def watch_spending(rt: Runtime, now: datetime) -> None:
    """Count the campaigns that are due, warn at the marks of the balance, pause campaigns that it no longer covers."""
    with rt.database.read() as session:
        campaigns = [campaign for _, campaign in priced_campaigns(session, since=now - WATCHED_FOR)]
    for campaign in campaigns:
        key = (rt.installation, campaign.id)
        if key not in _looks or _looks[key].due_at <= time.monotonic():
            began = time.monotonic()
            recount_campaigns(rt, campaign.id, now)
            every = max(_every_seconds(campaign, now), SHARE * (time.monotonic() - began))
            _looks[key] = _Look(time.monotonic() + every, every)
    active = [_looks[rt.installation, campaign.id].every for campaign in campaigns if campaign.status is ACTIVE]
    _pause_overspent(rt, now, LOOK_SECONDS + max(active, default=0.0))


def recount_campaigns(rt: Runtime, campaign_id: int, now: datetime) -> bool:
    """Compute a campaign's sums from its recipients; True if they differed from the stored ones."""
    with rt.database.read() as session:
        # The campaign is read before its recipients: if it was launched by then, all of them are there.
        campaign = session.get_one(Campaign, campaign_id)
        spending = session.get_one(Spending, campaign_id)
        spent = count_spent(session, spending, campaign.ended_at, now)
    if not spending_differs(spending, spent):
        return False
    with rt.database.write() as session:
        refresh_spending(session, campaign_id, spent, now)
    return True


def recount_spending(rt: Runtime, now: datetime, since: datetime | None = None) -> list[int]:
    """Count every campaign again (`since`: none that ended before) and return the ids of those whose stored sums differed."""
    with rt.database.read() as session:
        ids = [campaign.id for _, campaign in priced_campaigns(session, since)]
    return [campaign_id for campaign_id in ids if recount_campaigns(rt, campaign_id, now)]


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
