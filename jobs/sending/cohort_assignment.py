"""Assigns recipients of before cohorts were stored to the cohort of their campaign, for as long as there may be such."""

import time
from collections.abc import Iterator
from datetime import datetime

from jobs.core.runtime import Runtime
from models.sending.unassigned import (
    add_missing_cohorts,
    assign_others,
    assign_queued,
    campaigns_without_cohort,
    finish,
    unfinished_cohorts,
)
from models.tables.cohort import Cohort

SLICE = 2_000
SECONDS = 0.3
"""After so long the other periodic jobs have their turn."""

_reached: dict[int, int] = {}
"""Up to which recipient's id this process looked, by cohort. Another process, or this one started again, begins anew."""


def assign_cohorts(rt: Runtime, now: datetime) -> None:
    """Assign at least a slice of each campaign that needs it, and more for SECONDS. Two at once change nothing twice."""
    with rt.database.read() as session:
        lacking_ids, unfinished = campaigns_without_cohort(session), unfinished_cohorts(session)
    for campaign_id in lacking_ids:
        with rt.database.write() as session:
            add_missing_cohorts(session, campaign_id, now)
    deadline = time.monotonic() + SECONDS
    works = [_assign_all(rt, cohort) for cohort in unfinished]
    while works and time.monotonic() < deadline:
        works = [work for work in works if next(work, None) is not None]  # a slice of each in turn


def _assign_all(rt: Runtime, cohort: Cohort) -> Iterator[int]:
    """Assign slice by slice: who is queued first, since lanes look for those, then all by id. Each step yields the last size."""
    assigned = SLICE
    while assigned == SLICE:
        with rt.database.write() as session:
            assigned = assign_queued(session, cohort, SLICE)
        yield assigned
    last_id: int | None = _reached.get(cohort.id, 0)
    while last_id is not None:
        _reached[cohort.id] = last_id
        with rt.database.write() as session:
            last_id = assign_others(session, cohort, last_id, SLICE)
        yield SLICE
    _reached.pop(cohort.id, None)
    with rt.database.write() as session:
        finish(session, cohort)
