"""Settles the outcomes of campaigns, ends overdue ones and releases contacts that no longer have to wait for one."""

import logging
from datetime import datetime

from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from models.campaigns.end import (
    end_if_overdue,
    finished_recipients,
    overdue_campaigns,
    release_finished,
    release_slice,
    running_campaigns,
    unreleased_campaigns,
)
from models.campaigns.outcome import changed_outcomes, settle_outcomes

log = logging.getLogger("hark.monitor")

RELEASE_BATCH = 2_000
"""Contacts of a running campaign that one transaction releases."""


def monitor(rt: Runtime, now: datetime) -> None:
    """End overdue campaigns, release the contacts of ended ones and settle outcomes.

    It looks in read transactions and writes only what has to change, in short ones.
    """
    _end_overdue(rt, now)
    with rt.database.read() as session:
        unreleased = unreleased_campaigns(session)
    for campaign_id in unreleased:
        release_recipients(rt, campaign_id)
    with rt.database.read() as session:
        changed = changed_outcomes(session, now)
    if changed:
        with rt.database.write() as session:
            settle_outcomes(session, [campaign_id for campaign_id, _ in changed])
    for campaign_id, outcome in changed:
        log.info("campaign %s: delivery is %s", campaign_id, outcome)


def release_finished_recipients(rt: Runtime, now: datetime) -> None:  # noqa: ARG001 - every item of the schedule is given the moment
    """Release contacts with whom a running campaign is finished. Settling a row does so at once; this heals what was missed."""
    with rt.database.read() as session:
        running = running_campaigns(session)
    for campaign_id in running:
        _release_finished_of(rt, campaign_id)


def release_recipients(rt: Runtime, campaign_id: int) -> None:
    """Release all contacts of an ended campaign. If the process stops or dies meanwhile, the next round does the rest."""
    has_more = True
    while has_more and not SHUTDOWN.is_set():
        has_more = _release_slice(rt, campaign_id)


@retry_conflicts
def _release_slice(rt: Runtime, campaign_id: int) -> bool:
    with rt.database.write() as session:
        return release_slice(session, campaign_id)


def _end_overdue(rt: Runtime, now: datetime) -> None:
    with rt.database.read() as session:
        overdue = overdue_campaigns(session, now)
    if overdue and not may_take_irreversible_steps(rt):
        return
    for campaign_id in overdue:
        with rt.database.write() as session:
            has_ended = end_if_overdue(session, campaign_id, now)
        if has_ended:
            log.info("campaign %s: ended by itself, its time is over", campaign_id)


def _release_finished_of(rt: Runtime, campaign_id: int) -> None:
    while not SHUTDOWN.is_set():
        with rt.database.read() as session:
            person_keys = finished_recipients(session, campaign_id, RELEASE_BATCH)
        if person_keys:
            with rt.database.write() as session:
                release_finished(session, campaign_id, person_keys)
        if len(person_keys) < RELEASE_BATCH:
            return
