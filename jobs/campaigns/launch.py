"""Launches a campaign: writes its recipients slice by slice (models.campaigns.launch), each slice in its own transaction."""

import logging
import time

from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import LAUNCH_CAMPAIGN, SERVE_NUMBER
from models.campaigns.launch import (
    SLICE_SIZE,
    abandon_launch,
    analyze_tables,
    begin_launch,
    launch_slice,
    stalled_launches,
)
from models.campaigns.pause import pause_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import LAUNCH_STOPPED
from models.tables.campaign import Campaign, PauseReason
from models.text import Text

log = logging.getLogger("hark.launch")

FIRST_SLICE = 4_000
MIN_SLICE = 500
SLICE_SECONDS = 0.2
"""What a slice should take. Its size is adapted to this, so that a slow disk blocks other writers no longer than a fast one."""
BREATH_SECONDS = 0.005
"""The pause between two slices, in which other writers get their turn."""
JOB_SECONDS = 120.0
"""Well before the queue's time-out. The rest is done by another job."""


def wake_launch(rt: Runtime, campaign_id: int) -> bool:
    """Enqueue the launch of the campaign; False if it is enqueued already."""
    return LAUNCH_CAMPAIGN.enqueue(rt.redis, campaign_id)


def launch_campaign(campaign_id: int) -> None:
    """Freeze the campaign's audience, continuing where the last attempt stopped, then wake its number (a job)."""
    rt = runtime()
    LAUNCH_CAMPAIGN.started(rt.redis, campaign_id)
    with rt.database.write() as session:
        token = begin_launch(session, campaign_id, utcnow())
    if token is None:
        return
    try:
        is_done = _launch_slices(rt, campaign_id, token)
    except OperatorError as error:
        _pause(rt, campaign_id, error.text)
        return
    if not is_done:
        with rt.database.write() as session:
            abandon_launch(session, campaign_id, token)
        wake_launch(rt, campaign_id)
        return
    with rt.database.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
    if campaign.launched_at is not None and campaign.number_id is not None:
        number_id = campaign.number_id
        with rt.database.write() as session:
            analyze_tables(session)
        SERVE_NUMBER.enqueue(rt.redis, number_id)


def resume_launches(rt: Runtime) -> int:
    """Enqueue launches on which no worker is, after a lost wake-up or a dead worker; return how many."""
    with rt.database.read() as session:
        stalled_ids = stalled_launches(session, utcnow())
    return sum(wake_launch(rt, campaign_id) for campaign_id in stalled_ids)


def _launch_slices(rt: Runtime, campaign_id: int, token: str) -> bool:
    """Write slices; False if the time is up or the process has to stop before the last one."""
    size, ends = FIRST_SLICE, time.monotonic() + JOB_SECONDS
    while not SHUTDOWN.is_set() and time.monotonic() < ends:
        with rt.database.write() as session:
            began = time.monotonic()  # the wait for the lock is not the slice's
            if not launch_slice(session, campaign_id, token, utcnow(), size):
                return True
        took = max(time.monotonic() - began, 0.001)
        size = min(SLICE_SIZE, max(MIN_SLICE, int(size * min(2.0, SLICE_SECONDS / took))))
        time.sleep(BREATH_SECONDS)
    return False


def _pause(rt: Runtime, campaign_id: int, why: Text) -> None:
    """Pause a campaign whose audience cannot be read any more (a tag was deleted meanwhile) until an operator looks at it."""
    log.warning("campaign %s: its launch stopped: %s", campaign_id, why)
    now = utcnow()
    with rt.database.write() as session:
        pause_campaign(session, campaign_id, PauseReason.LAUNCH_STOPPED, LAUNCH_STOPPED(why=why), now, "launch")
