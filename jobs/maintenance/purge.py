"""Deletes data whose retention time is over (`models.privacy.retention`, `models.privacy.cleanup`), in slices.

A slice is one transaction, so other writers wait for a slice at most.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import PURGE
from models.audit.retention import purge_audit
from models.billing.answers import purge_answer_costs
from models.browser_sessions import purge_sessions
from models.clock import utcnow
from models.events.dead_letters import purge_dead_letters
from models.events.messages.link_codes import purge_wrong_codes
from models.privacy.cleanup import purge_actions, purge_lanes, purge_ledger, purge_parked, purge_user_ids, purge_wamids
from models.privacy.retention import SLICE, purge_deleted_campaigns, purge_flow_sessions, purge_hashes, purge_messages
from models.segments.rename_delete import purge_groups
from models.shop.without_phone import purge_without_phone

log = logging.getLogger("hark.purge")

_JOB_SECONDS = 60.0
_SLICE_GAP_SECONDS = 0.05
"""The gap between slices, in which other processes get the write lock."""

KINDS: tuple[tuple[str, Callable[[Session, datetime], int]], ...] = (
    ("messages", purge_messages),
    ("rows of deleted tags and lists", purge_groups),
    ("people of deleted campaigns", purge_deleted_campaigns),
    ("walks through bot flows", purge_flow_sessions),
    ("hashes", purge_hashes),
    ("customers of a shop without a phone", purge_without_phone),
    ("prices of messages", purge_answer_costs),
    ("dead letters", purge_dead_letters),
    ("statuses that matched nothing", purge_parked),
    ("people in the limit's ledger", purge_ledger),
    ("wrong codes of phones", purge_wrong_codes),
    ("sessions that ended", purge_sessions),
    ("finished actions", purge_actions),
    ("changes of user ids", purge_user_ids),
    ("ended senders", purge_lanes),
    ("ids of redacted people's messages", purge_wamids),
)


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
    audit: tuple[str, Callable[[Session, datetime], int]] = ("entries of the audit", partial(purge_audit, rt.audit))
    for name, purge_slice in (*KINDS, audit):
        purged, slice_size = 0, SLICE
        while slice_size >= SLICE and time.monotonic() < deadline and not SHUTDOWN.is_set():
            with rt.database.write() as session:
                slice_size = purge_slice(session, utcnow())
            purged += slice_size
            SHUTDOWN.wait(_SLICE_GAP_SECONDS)
        if purged:
            log.info("forgot %d %s", purged, name)
