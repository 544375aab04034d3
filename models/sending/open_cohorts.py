"""Answers which cohorts are open: whose people may be written to now. Lanes, wake-ups, forecast and claim ask here alone.

A cohort is open while its campaign is active and launched, it is not paused itself, and the time is within its own.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from models.db.dialect import literal_word
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient

QUEUED = Recipient.state == literal_word("queued")


def is_open(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a row of Cohort, joined to its Campaign, is open."""
    return and_(
        Campaign.status == CampaignStatus.ACTIVE,
        Campaign.launched_at.is_not(None),
        Cohort.paused_at.is_(None),
        or_(Cohort.is_open, Cohort.opens_at <= now),
        or_(Cohort.closes_at.is_(None), Cohort.closes_at > now),
    )


def open_cohorts(session: Session, now: datetime, *, number_id: int | None = None) -> Sequence[Cohort]:
    """The open cohorts, with their campaigns, by campaign and position. `number_id`: only those of this number."""
    query = (
        select(Cohort)
        .join(Cohort.campaign)
        .where(is_open(now))
        .options(contains_eager(Cohort.campaign))
        .order_by(Cohort.campaign_id, Cohort.position)
    )
    return session.scalars(query if number_id is None else query.where(Campaign.number_id == number_id)).all()


def lock_open_cohort(session: Session, cohort_id: int, now: datetime) -> Cohort | None:
    """The cohort, with its campaign, if it is open. Both rows stay locked, so that the answer holds until the transaction ends.

    The campaign is locked first, as by everybody who pauses or replaces: two who lock in different order would wait for each other.
    """
    query = (
        select(Cohort)
        .join(Cohort.campaign)
        .where(Cohort.id == cohort_id, is_open(now))
        .options(contains_eager(Cohort.campaign))
        .with_for_update(read=True, of=[Campaign, Cohort])
    )
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def is_queued_in(cohort: Cohort) -> ColumnElement[bool]:
    """Return the condition that a recipient waits in the queue of the cohort itself."""
    return and_(Recipient.cohort_id == cohort.id, QUEUED)


def is_queued_unassigned(cohort: Cohort) -> ColumnElement[bool]:
    """Return the condition that a recipient waits in the queue without a cohort and belongs to this one
    (`Cohort.has_unassigned`).
    """
    return and_(Recipient.cohort_id.is_(None), QUEUED, Recipient.campaign_id == cohort.campaign_id)


def has_due(session: Session, cohort: Cohort, now: datetime) -> bool:
    """Whether a recipient of the cohort is due, whether or not the cohort is open."""
    conditions = [is_queued_in(cohort), *([is_queued_unassigned(cohort)] if cohort.has_unassigned else [])]
    due = (select(Recipient.id).where(condition, Recipient.due_at <= now).limit(1) for condition in conditions)
    return any(session.execute(query).first() is not None for query in due)


def count_open_queue(session: Session, campaign_id: int, now: datetime) -> int:
    """How many recipients of the campaign wait in the queues of its open cohorts: those whom a sender goes on with by itself."""
    query = select(Cohort).join(Cohort.campaign).where(Cohort.campaign_id == campaign_id, is_open(now))
    people = 0
    for cohort in session.scalars(query):
        conditions = [is_queued_in(cohort), *([is_queued_unassigned(cohort)] if cohort.has_unassigned else [])]
        people += sum(session.scalar(select(func.count()).where(condition)) or 0 for condition in conditions)
    return people
