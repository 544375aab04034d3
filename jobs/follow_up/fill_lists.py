"""Fills lists with people of a campaign, and continues what a dead worker left."""

import time

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import FILL_LIST
from models.clock import utcnow
from models.follow_up.list_fill import SLICE, fill_slice, open_fills

MIN_SLICE = 500
SLICE_SECONDS = 0.2
"""What a slice should take: its size follows, so that a slow disk blocks other writers no longer than a fast one."""
BREATH_SECONDS = 0.005
JOB_SECONDS = 120.0
"""Well before the queue's time-out. The rest is done by another job."""


def fill_list(fill_id: int) -> None:
    """Fill the list, continuing where the last attempt stopped (a job)."""
    rt = runtime()
    FILL_LIST.started(rt.redis, fill_id)
    size, ends = SLICE, time.monotonic() + JOB_SECONDS
    while not SHUTDOWN.is_set() and time.monotonic() < ends:
        began = time.monotonic()
        if not _fill_slice(rt, fill_id, size):
            return
        took = max(time.monotonic() - began, 0.001)
        size = min(4 * SLICE, max(MIN_SLICE, int(size * min(2.0, SLICE_SECONDS / took))))
        time.sleep(BREATH_SECONDS)
    wake_fill(rt, fill_id)


def wake_fill(rt: Runtime, fill_id: int) -> bool:
    """Enqueue the filling; False if it is enqueued already."""
    return FILL_LIST.enqueue(rt.redis, fill_id)


def wake_fills(rt: Runtime) -> int:
    """Enqueue the fillings that are not done, after a lost wake-up or a dead worker; returns how many."""
    with rt.database.read() as session:
        ids = open_fills(session)
    return sum(wake_fill(rt, fill_id) for fill_id in ids)


@retry_conflicts
def _fill_slice(rt: Runtime, fill_id: int, size: int) -> bool:
    with rt.database.write() as session:
        return fill_slice(session, fill_id, utcnow(), size)
