"""Assigns the recipients that a launch before cohorts were stored left without one, slice by slice.

A row is claimed by its campaign until it is assigned (`Cohort.has_unassigned`). The queued ones are assigned first: those of all
campaigns stand together at the end of the queue's index.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, literal_word
from models.sending.cohorts import make_cohorts
from models.tables.campaign import LIVE, Campaign
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient, RecipientState

QUEUED = Recipient.state == literal_word(RecipientState.QUEUED)


def campaigns_without_cohort(session: Session) -> Sequence[int]:
    """The ids of running campaigns that have no cohort: a process of an earlier version started them after the migration."""
    query = select(Campaign.id).where(
        Campaign.status.in_(LIVE), Campaign.template_id.is_not(None), ~exists().where(Cohort.campaign_id == Campaign.id)
    )
    return session.scalars(query.order_by(Campaign.id)).all()


def add_missing_cohorts(session: Session, campaign_id: int, now: datetime) -> None:
    """Give a running campaign without a cohort its own, to which its recipients belong."""
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is not None and campaign.status in LIVE:
        make_cohorts(session, campaign, now, has_unassigned=True)


def unfinished_cohorts(session: Session) -> Sequence[Cohort]:
    """The cohorts to which recipients may belong that are not assigned."""
    return session.scalars(select(Cohort).where(Cohort.has_unassigned).order_by(Cohort.id)).all()


def assign_queued(session: Session, cohort: Cohort, size: int) -> int:
    """Assign up to `size` queued recipients of the cohort's campaign; returns how many. Those that a claim holds are left out."""
    waiting = select(Recipient.id).where(
        Recipient.cohort_id.is_(None), QUEUED, Recipient.campaign_id == cohort.campaign_id
    )
    return _assign(session, cohort, session.scalars(waiting.limit(size).with_for_update(skip_locked=True)).all())


def assign_others(session: Session, cohort: Cohort, after_id: int, size: int) -> int | None:
    """Look at the next `size` recipients of the cohort's campaign by id and assign them; returns the last id, None at the end."""
    page = (
        select(Recipient.id, Recipient.cohort_id)
        .where(
            Recipient.id > after_id, Recipient.campaign_id + 0 == cohort.campaign_id
        )  # by id, not by the campaign's index
        .order_by(Recipient.id)
        .limit(size)
        .with_for_update()
    )
    rows = session.execute(page).all()
    _assign(session, cohort, [row.id for row in rows if row.cohort_id is None])
    return rows[-1].id if len(rows) == size else None


def finish(session: Session, cohort: Cohort) -> bool:
    """Note that every recipient is assigned, if so; False if there is one that is not."""
    remaining = exists().where(Recipient.campaign_id == cohort.campaign_id, Recipient.cohort_id.is_(None))
    statement = (
        update(Cohort).where(Cohort.id == cohort.id, ~remaining).values(has_unassigned=False).returning(Cohort.id)
    )
    return session.scalar(statement, execution_options=NO_SYNC) is not None


def _assign(session: Session, cohort: Cohort, ids: Sequence[int]) -> int:
    if ids:
        session.execute(
            update(Recipient).where(Recipient.id.in_(ids), Recipient.cohort_id.is_(None)).values(cohort_id=cohort.id),
            execution_options=NO_SYNC,
        )
    return len(ids)
