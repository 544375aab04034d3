"""Attributes the orders of people of whom an order, a refund, a message or a click changed, and recounts all orders."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import ATTRIBUTE_ORDERS
from models.conversions.derive import CHANGES, ConversionRecount, apply_changes, has_changes, recount_people

log = logging.getLogger("hark.conversions")

JOB_SECONDS = 60.0
_SLICE_GAP_SECONDS = 0.02
"""The gap between slices, in which other processes get the write lock."""


@dataclass(slots=True)
class RecountResult:
    """How many orders belong to a campaign, and how many were stored otherwise before the recount."""

    orders: int = 0
    differences: int = 0


def wake_attribution(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Have a worker attribute orders if something changed; False if nothing did, or one waits already."""
    with rt.database.read() as session:
        is_due = has_changes(session)
    return is_due and ATTRIBUTE_ORDERS.enqueue(rt.redis)


def attribute_orders() -> None:
    """The job: attributes what changed, for a minute at most; the schedule wakes the next one."""
    rt = runtime()
    ATTRIBUTE_ORDERS.started(rt.redis)
    attribute_waiting(rt, time.monotonic() + JOB_SECONDS)


def attribute_waiting(rt: Runtime, ends: float) -> int:
    """Apply changes until there are none or `ends` (monotonic seconds); return how many."""
    count, applied = 0, CHANGES
    while applied == CHANGES and time.monotonic() < ends and not SHUTDOWN.is_set():
        applied = _apply_slice(rt)
        count += applied
        SHUTDOWN.wait(_SLICE_GAP_SECONDS)
    return count


def recount_conversions(rt: Runtime) -> RecountResult:
    """Derive all conversions again, in slices. What differs is mended, counted and logged; there should be nothing."""
    attribute_waiting(rt, float("inf"))
    result, after = RecountResult(), 0
    while not SHUTDOWN.is_set() and (found := _recount_slice(rt, after)) is not None:
        after = found.last_contact_id
        result.orders += found.orders
        result.differences += found.differences
        SHUTDOWN.wait(_SLICE_GAP_SECONDS)
    if result.differences:
        log.warning("%d orders were attributed otherwise than a recount finds; they are mended", result.differences)
    return result


@retry_conflicts
def _apply_slice(rt: Runtime) -> int:
    with rt.database.write() as session:
        return apply_changes(session)


@retry_conflicts
def _recount_slice(rt: Runtime, after_contact_id: int) -> ConversionRecount | None:
    with rt.database.write() as session:
        return recount_people(session, after_contact_id)
