"""Applies a decisive answer beyond its own row: pauses the campaign, stops or holds the number, suppresses the contact."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.meta.error_codes import ErrorRule
from jobs.core.runtime import Runtime
from models.campaigns import pause
from models.campaigns.cohort_pause import pause_for_cohort
from models.contacts.consent import Authority, set_consent
from models.db.dialect import NO_SYNC
from models.events.statuses.effects import record_marketing_stop
from models.tables.audit import SENDER
from models.tables.campaign import PauseReason
from models.tables.contact import Consent
from models.tables.number import Number, Waba
from models.text import Text

log = logging.getLogger("hark.lane")


def pause_campaign(
    rt: Runtime,
    campaign_id: int,
    reason: PauseReason,
    detail: Text,
    now: datetime,
    *,
    resumes_at: datetime | None = None,
) -> bool:
    """Pause a campaign because of an answer to a send, in its own transaction; False if it was not active any more."""
    with rt.database.write() as session:
        is_paused = pause.pause_campaign(session, campaign_id, reason, detail, now, SENDER, resumes_at=resumes_at)
    if is_paused:
        log.warning("campaign %d paused: %s", campaign_id, reason)
    return is_paused


def pause_cohort(
    rt: Runtime,
    cohort_id: int,
    reason: PauseReason,
    detail: Text,
    now: datetime,
    *,
    resumes_at: datetime | None = None,
) -> bool:
    """Pause a cohort because of an answer to a send, or its campaign if no other message is in it, in its own transaction."""
    with rt.database.write() as session:
        is_paused = pause_for_cohort(session, cohort_id, reason, detail, now, SENDER, resumes_at=resumes_at)
    if is_paused:
        log.warning("cohort %d paused: %s", cohort_id, reason)
    return is_paused


def stop_number(rt: Runtime, number_id: int, rule: ErrorRule, detail: Text, now: datetime) -> None:
    """Stop all sending from a number, in its own transaction."""
    with rt.database.write() as session:
        stop_within(session, number_id, rule, detail, now)


def stop_within(session: Session, number_id: int, rule: ErrorRule, detail: Text, now: datetime) -> None:
    """Stop all sending from a number, in the caller's transaction."""
    reason = rule.reason or PauseReason.NUMBER_RESTRICTED
    if pause.stop_numbers(session, [number_id], reason, detail, now, SENDER).number_ids:
        log.error("number %d stopped: %s", number_id, rule.text)


def doubt_marketing_state(rt: Runtime, number_id: int) -> None:
    """Have the schedule ask Meta again whether the number's account may use the Marketing Messages API."""
    of_number = select(Number.waba_id).where(Number.id == number_id).scalar_subquery()
    with rt.database.write() as session:
        session.execute(
            update(Waba).where(Waba.id == of_number).values(marketing_read_at=None), execution_options=NO_SYNC
        )


def hold_number(rt: Runtime, number_id: int, seconds: float, now: datetime) -> None:
    """Send nothing from the number for `seconds`, in its own transaction. A longer hold stays."""
    until = now + timedelta(seconds=seconds)
    with rt.database.write() as session:
        session.execute(
            update(Number)
            .where(Number.id == number_id, Number.held_until.is_(None) | (Number.held_until < until))
            .values(held_until=until),
            execution_options=NO_SYNC,
        )


def suppress_person(rt: Runtime, contact_id: int, rule: ErrorRule, now: datetime) -> None:
    """Exclude a contact from later sends, as the rule says: from marketing, or from everything. In its own transaction."""
    with rt.database.write() as session:
        if rule.suppress == "marketing":
            record_marketing_stop(session, contact_id, now, now)
        else:
            suppress_within(session, [contact_id], rule, now)


def suppress_within(session: Session, contact_ids: Iterable[int], rule: ErrorRule, now: datetime) -> None:
    """Exclude contacts from every later send, in the caller's transaction."""
    set_consent(
        session,
        contact_ids,
        Consent.INVALID,
        now,
        source="meta",
        proof=rule.text,
        actor="meta",
        by=Authority.SYSTEM,
    )
