"""Counts the campaigns that are due for their signals and learns the thresholds again; both derive from rows alone."""

import time
from datetime import datetime

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import COUNT_SIGNALS
from models.clock import utcnow
from models.signals.counting import count_campaign, due_campaigns, store_count
from models.signals.learn import learn
from models.tables.signal import SignalCount

TURN_SECONDS = 20.0
"""A turn ends after this time; the schedule begins the next one."""


def wake_signals(rt: Runtime, now: datetime) -> None:
    """Wake a worker if a campaign is due."""
    with rt.database.read() as session:
        is_due = bool(due_campaigns(session, now))
    if is_due:
        COUNT_SIGNALS.enqueue(rt.redis)


def count_signals() -> None:
    """Count what is due, the newest campaign first, then learn."""
    rt = runtime()
    COUNT_SIGNALS.started(rt.redis)
    count_due(rt, utcnow())


def count_due(rt: Runtime, now: datetime) -> list[int]:
    """Count the campaigns that are due, for at most TURN_SECONDS, and learn; returns their ids."""
    until = time.monotonic() + TURN_SECONDS
    with rt.database.read() as session:
        due = due_campaigns(session, now)
    counted = []
    for campaign_id in due:
        if time.monotonic() > until or SHUTDOWN.is_set():
            break
        if recount(rt, campaign_id, now):
            counted.append(campaign_id)
    if counted:
        _learn(rt, now)
    return counted


def recount(rt: Runtime, campaign_id: int, now: datetime) -> bool:
    """Count one campaign from its rows and store it; False if there is no such campaign, or it was never started."""
    began = time.monotonic()
    with rt.database.read() as session:
        count = count_campaign(session, campaign_id, now)
    if count is None:
        return False
    count.seconds = time.monotonic() - began
    _store(rt, count)
    return True


@retry_conflicts
def _store(rt: Runtime, count: SignalCount) -> None:
    with rt.database.write() as session:
        store_count(session, count)


@retry_conflicts
def _learn(rt: Runtime, now: datetime) -> None:
    with rt.database.write() as session:
        learn(session, now)
