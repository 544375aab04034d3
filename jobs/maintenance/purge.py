"""Deletes data whose retention time is over, by the list of tables (`models.privacy.tables`), in slices.

A slice is one transaction, so other writers wait for a slice at most.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.loader import load
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import PURGE
from models.clock import utcnow
from models.privacy.retention import SLICE
from models.privacy.tables import TABLES

log = logging.getLogger("hark.purge")

_JOB_SECONDS = 60.0
_SLICE_GAP_SECONDS = 0.05
"""The gap between slices, in which other processes get the write lock."""

KINDS: tuple[tuple[str, Callable[[Session, datetime], int]], ...] = tuple(
    (store.purged, load(store.purge)) for store in TABLES if store.purge is not None
)
"""What is deleted, by the list of tables."""


def wake_purge(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Enqueue the purge; False if it is queued already."""
    return PURGE.enqueue(rt.redis)


def purge() -> None:
    """The job: deletes for up to a minute; the next round continues."""
    rt = runtime()
    PURGE.started(rt.redis)
    if not may_take_irreversible_steps(rt):
        return
    deadline = time.monotonic() + _JOB_SECONDS
    for name, purge_slice in KINDS:
        purged, slice_size = 0, SLICE
        while slice_size >= SLICE and time.monotonic() < deadline and not SHUTDOWN.is_set():
            with rt.database.write() as session:
                slice_size = purge_slice(session, utcnow())
            purged += slice_size
            SHUTDOWN.wait(_SLICE_GAP_SECONDS)
        if purged:
            log.info("forgot %d %s", purged, name)
