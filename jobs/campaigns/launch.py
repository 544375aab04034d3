"""Launching: the slices of models.campaigns.launch, each in a transaction of its own."""

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
from models.tables.campaign import Campaign, PauseReason

log = logging.getLogger("hark.launch")

FIRST_SLICE = 4_000
MIN_SLICE = 500
SLICE_SECONDS = 0.2
"""What a slice should take: its size follows, so that a slow disk holds nobody up for longer than a fast one."""
BREATH_SECONDS = 0.005
"""Between slices other writers get their turn."""
JOB_SECONDS = 120.0
"""Well before the queue's time-out; what is left then goes on with a fresh wake-up."""


def wake_launch(rt: Runtime, campaign_id: int) -> bool:
    """Have the campaign launched soon; False where that is under way to happen already."""
    return LAUNCH_CAMPAIGN.enqueue(rt.redis, campaign_id)


def launch_campaign(campaign_id: int) -> None:
    """Freeze the campaign's audience, from wherever the last launch stopped, then wake its number."""
    rt = runtime()
    LAUNCH_CAMPAIGN.started(rt.redis, campaign_id)
    with rt.database.write() as session:
        token = begin_launch(session, campaign_id, utcnow())
    if token is None:
        return
    try:
        is_done = _slices(rt, campaign_id, token)
    except OperatorError as error:
        _pause(rt, campaign_id, str(error))
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
    """Wake launches at which nobody is: lost wake-ups, dead workers. How many were woken."""
    with rt.database.read() as session:
        standing = stalled_launches(session, utcnow())
    return sum(wake_launch(rt, campaign_id) for campaign_id in standing)


def _slices(rt: Runtime, campaign_id: int, token: str) -> bool:
    """False where time is up or the process is to stop before the last slice."""
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


def _pause(rt: Runtime, campaign_id: int, why: str) -> None:
    """The audience cannot be read any more (a tag was deleted meanwhile): an operator has to look, nobody is sent to."""
    log.warning("campaign %s: its launch stopped: %s", campaign_id, why)
    now = utcnow()
    with rt.database.write() as session:
        pause_campaign(session, campaign_id, PauseReason.OPERATOR, f"the launch stopped: {why}", now, "launch")
