"""The monitor: what came of campaigns, which of them end by themselves, and whom they let go."""

import logging
from datetime import datetime

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

DONE_AT_ONCE = 2_000
"""People freed in one transaction where a running campaign holds them for nothing."""


def monitor(rt: Runtime, now: datetime) -> None:
    """One round. It looks with reads alone and writes only what has to change, each in a short transaction."""
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
    """Free whom running campaigns hold for nothing. Whoever settles a row does it at once: this finds what was missed."""
    with rt.database.read() as session:
        running = running_campaigns(session)
    for campaign_id in running:
        _free_done(rt, campaign_id)


def release_recipients(rt: Runtime, campaign_id: int) -> None:
    """Let everybody in an ended campaign go. A process that stops or dies in here leaves the rest to the next round."""
    has_more = True
    while has_more and not SHUTDOWN.is_set():
        with rt.database.write() as session:
            has_more = release_slice(session, campaign_id)


def _end_overdue(rt: Runtime, now: datetime) -> None:
    with rt.database.read() as session:
        overdue = overdue_campaigns(session, now)
    for campaign_id in overdue:
        with rt.database.write() as session:
            has_ended = end_if_overdue(session, campaign_id, now)
        if has_ended:
            log.info("campaign %s: ended by itself, its time is over", campaign_id)


def _free_done(rt: Runtime, campaign_id: int) -> None:
    while not SHUTDOWN.is_set():
        with rt.database.read() as session:
            people = finished_recipients(session, campaign_id, DONE_AT_ONCE)
        if people:
            with rt.database.write() as session:
                release_finished(session, campaign_id, people)
        if len(people) < DONE_AT_ONCE:
            return
