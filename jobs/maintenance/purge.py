"""Forgetting in time (models.privacy.retention, models.privacy.cleanup), in slices, out of everybody's way."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import PURGE
from models.clock import utcnow
from models.events.dead_letters import purge_dead_letters
from models.privacy.cleanup import forget_wamids, purge_actions, purge_lanes, purge_ledger, purge_parked
from models.privacy.retention import SLICE, purge_deleted_campaigns, purge_flow_sessions, purge_hashes, purge_messages
from models.segments.rename_delete import purge_groups

log = logging.getLogger("hark.purge")

_KEY = "purge"
_JOB_SECONDS = 60.0
_BREATH_SECONDS = 0.05
"""Between slices others get the write lock."""

KINDS: tuple[tuple[str, Callable[[Session, datetime], int]], ...] = (
    ("messages", purge_messages),
    ("rows of deleted tags and lists", purge_groups),
    ("people of deleted campaigns", purge_deleted_campaigns),
    ("walks through bot flows", purge_flow_sessions),
    ("hashes", purge_hashes),
    ("dead letters", purge_dead_letters),
    ("statuses that matched nothing", purge_parked),
    ("people in the limit's ledger", purge_ledger),
    ("finished actions", purge_actions),
    ("ended senders", purge_lanes),
    ("ids of redacted people's messages", forget_wamids),
)


def wake_purge(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Have it done by a worker: it may take a while."""
    return PURGE.enqueue(rt.redis)


def purge() -> None:
    """The job: what is not done within a minute is left to the next round."""
    rt = runtime()
    PURGE.started(rt.redis)
    ends = time.monotonic() + _JOB_SECONDS
    for name, take in KINDS:
        taken, slice_size = 0, SLICE
        while slice_size >= SLICE and time.monotonic() < ends and not SHUTDOWN.is_set():
            with rt.database.write() as session:
                slice_size = take(session, utcnow())
            taken += slice_size
            SHUTDOWN.wait(_BREATH_SECONDS)
        if taken:
            log.info("forgot %d %s", taken, name)
