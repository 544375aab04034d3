"""Launches a campaign: copies its audience into recipients, slice by slice, with a cursor on the campaign.

A slice is one transaction of a few set-based statements over a range of contact ids, so a launch whose process died continues
after the last committed slice. `launch_token` names the launcher; a slice commits only while its launcher holds the token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, cast, exists, func, insert, literal, null, or_, select, text, update
from sqlalchemy import String as Text
from sqlalchemy.orm import Session, aliased

from models.audience.audience import Side
from models.audience.eligibility import (
    CONTACT,
    CampaignTerms,
    candidates_with_reason,
    engaged_by,
    load_campaign_terms,
    reason_detail,
)
from models.billing.balance import ACTOR, freeze_price
from models.billing.price_area import price_area
from models.campaigns.pause import pause_campaign
from models.crypto import new_token
from models.db.base import Json
from models.db.dialect import NO_SYNC, insert_into, is_sqlite, literal_word
from models.sending.cohorts import cohorts_of, make_cohorts
from models.tables.campaign import LIVE, Campaign, CampaignOutcome, PauseReason
from models.tables.cohort import Cohort
from models.tables.contact import Contact
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.templates.bound_values import source_values_sql

SLICE_SIZE = 20_000
STANDS_STILL = timedelta(seconds=30)
"""If a launch committed no slice for so long, another launcher may take it over."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The id range of the rows that a slice inserted. Rows of other campaigns may lie between, but none of this campaign."""

    campaign_id: int
    after_id: int
    until_id: int

    def queued(self, row: type[Recipient]) -> tuple[ColumnElement[bool], ...]:
        """Conditions for the queued rows. `+ 0` makes the planner use the range of ids, not the campaign's growing index."""
        of_campaign = row.campaign_id + 0 == self.campaign_id
        is_queued = row.state == literal_word(RecipientState.QUEUED)
        return of_campaign, row.id > self.after_id, row.id <= self.until_id, is_queued


def begin_launch(session: Session, campaign_id: int, now: datetime) -> str | None:
    """Begin or continue the campaign's launch; returns the launch token.

    None if there is nothing to do: the campaign is launched or ended, or another process launches it. A paused campaign is
    launched too: nothing is claimed while it is paused.
    """
    token = new_token(16)
    statement = (
        update(Campaign)
        .where(
            Campaign.id == campaign_id,
            Campaign.status.in_(LIVE),
            Campaign.launched_at.is_(None),
            or_(Campaign.launch_token.is_(None), Campaign.updated_at <= now - STANDS_STILL),
        )
        .values(
            launch_token=token,
            launch_until=func.coalesce(Campaign.launch_until, select(func.max(Contact.id)).scalar_subquery(), 0),
            outcome=CampaignOutcome.PREPARING,
            updated_at=now,
        )
        .returning(Campaign.id)
    )
    if session.execute(statement, execution_options=NO_SYNC).first() is None:
        return None
    make_cohorts(session, session.get_one(Campaign, campaign_id, populate_existing=True), now)
    return token


def abandon_launch(session: Session, campaign_id: int, token: str) -> None:
    """Give the launch token up, so that another process can continue at once. For a process that stops before the last slice."""
    session.execute(
        update(Campaign).where(Campaign.id == campaign_id, Campaign.launch_token == token).values(launch_token=None),
        execution_options=NO_SYNC,
    )


def stalled_launches(session: Session, now: datetime) -> list[int]:
    """The ids of campaigns that must be launched and that no process is launching."""
    query = select(Campaign.id).where(
        Campaign.status.in_(LIVE),
        Campaign.launched_at.is_(None),
        or_(Campaign.launch_token.is_(None), Campaign.updated_at <= now - STANDS_STILL),
    )
    return list(session.scalars(query.order_by(Campaign.id)))


def launch_slice(session: Session, campaign_id: int, token: str, now: datetime, size: int = SLICE_SIZE) -> bool:
    """Copy the next `size` contacts of the audience into recipients.

    True: there is more to do. False: the campaign is launched, or the token is no longer valid.
    """
    # Changes of the groups that its audience names lock it too (models.segments.references), so all slices see the same audience.
    campaign = session.get(Campaign, campaign_id, populate_existing=True, with_for_update={"key_share": True})
    if campaign is None or campaign.launched_at is not None:
        return False
    terms = load_campaign_terms(session, campaign, now)
    after_id, last_id = campaign.launch_cursor, campaign.launch_until or 0
    until_id = _end_of_slice(session, terms.audience.include, after_id, last_id, size)
    is_last = until_id >= last_id
    if not _move_cursor(session, campaign_id, token, now, after_id, until_id, is_last):
        return False
    before = _newest_row(session)
    _insert_recipients(session, terms, cohorts_of(session, campaign_id), after_id, until_id)
    rows = _Rows(campaign_id, before, _newest_row(session))
    queued = _count_queued(session, rows)
    if queued and _insert_engagements(session, rows, now) < queued:
        _leave_out_engaged(session, rows)
    shortage = freeze_price(session, campaign_id, lambda: _count_by_price_area(session, rows), is_last=is_last)
    if shortage is not None:
        pause_campaign(session, campaign_id, PauseReason.BUDGET, shortage, now, ACTOR)
    return not is_last


def analyze_tables(session: Session) -> None:
    """Have PostgreSQL analyze the tables that a launch filled; autovacuum would do it a minute later.

    Until then the planner assumes empty tables, and a page of the export would sort the whole campaign.
    """
    if not is_sqlite(session):
        session.execute(text("ANALYZE recipient"))
        session.execute(text("ANALYZE engagement"))


def _end_of_slice(session: Session, include: Side, after_id: int, last_id: int, size: int) -> int:
    """The id of the slice's last contact, whatever gaps the ids have. An audience of single contacts is read by their ids."""
    ids = select(Contact.id).where(Contact.id > after_id, Contact.id <= last_id).order_by(Contact.id).limit(size)
    if include.is_contacts_alone:
        ids = ids.where(Contact.id.in_(include.contact_ids))
    count_and_last = session.execute(select(func.count(), func.max(ids.subquery().c.id))).one()
    return last_id if count_and_last[0] < size else int(count_and_last[1])


def _move_cursor(
    session: Session, campaign_id: int, token: str, now: datetime, after_id: int, until_id: int, is_last: bool
) -> bool:
    """Move the cursor before any row is inserted; False if another launcher changed the token or the cursor."""
    values: dict[str, Any] = {"launch_cursor": until_id, "updated_at": now}
    if is_last:
        values |= {"launched_at": now, "outcome": CampaignOutcome.SENDING, "launch_token": None}
    statement = (
        update(Campaign)
        .where(
            Campaign.id == campaign_id,
            Campaign.launch_token == token,
            Campaign.launch_cursor == after_id,
            Campaign.launched_at.is_(None),
            Campaign.status.in_(LIVE),
        )
        .values(values)
        .returning(Campaign.id)
    )
    return session.execute(statement, execution_options=NO_SYNC).first() is not None


def _insert_recipients(
    session: Session, terms: CampaignTerms, cohorts: Sequence[Cohort], after_id: int, until_id: int
) -> None:
    """Insert a row for every candidate, with the cohort of its language; those who are not eligible get their reason."""
    candidates = (
        candidates_with_reason(terms, after_id=after_id, until_id=until_id).cte("judged").prefix_with("MATERIALIZED")
    )
    reason = candidates.c.reason
    is_eligible = reason.is_(None)
    keeps_key = func.coalesce(reason.not_in([NotSent.EXCLUDED.value, NotSent.DUPLICATE.value]), literal(True))
    moment = literal(terms.now, Recipient.due_at.type)
    columns: Sequence[tuple[str, Any]] = (
        ("campaign_id", literal(terms.campaign_id)),
        ("contact_id", CONTACT.c.id),
        ("person_key", case((keeps_key, CONTACT.c.person_key), else_=literal("c:") + cast(CONTACT.c.id, Text))),
        (
            "state",
            case((is_eligible, literal_word(RecipientState.QUEUED)), else_=literal_word(RecipientState.NOT_SENT)),
        ),
        ("reason", reason),
        ("detail", reason_detail(terms, reason)),
        ("cohort_id", _cohort_id(terms, cohorts)),
        ("source_values", case((is_eligible, terms.by_language(source_values_sql)), else_=cast(null(), Json))),
        ("due_at", case((is_eligible, moment), else_=cast(null(), Recipient.due_at.type))),
        ("queued_at", case((is_eligible, moment), else_=cast(null(), Recipient.due_at.type))),
        ("price_area", case((is_eligible, price_area(CONTACT)), else_=cast(null(), Text))),
        ("attempts", literal(0)),
        ("failures", literal(0)),
    )
    rows = select(*(value for _, value in columns)).join_from(candidates, CONTACT, CONTACT.c.id == candidates.c.id)
    # The range stands here once more, since PostgreSQL would otherwise read all contacts to join a slice of them.
    rows = rows.where(CONTACT.c.id > after_id, CONTACT.c.id <= until_id)
    statement = insert(Recipient).from_select([name for name, _ in columns], rows.order_by(candidates.c.id))
    session.execute(statement.execution_options(probes=True))


def _cohort_id(terms: CampaignTerms, cohorts: Sequence[Cohort]) -> ColumnElement[Any]:
    if terms.choice is None:
        return literal(cohorts[0].id)
    position = terms.position()
    return case(*((position == cohort.position, literal(cohort.id)) for cohort in cohorts), else_=null())


def _newest_row(session: Session) -> int:
    return session.scalar(select(func.max(Recipient.id))) or 0


def _count_queued(session: Session, rows: _Rows) -> int:
    return session.scalar(select(func.count()).where(*rows.queued(Recipient))) or 0


def _count_by_price_area(session: Session, rows: _Rows) -> list[tuple[str | None, int]]:
    """(price area, number of queued recipients) of the slice."""
    query = select(Recipient.price_area, func.count()).where(*rows.queued(Recipient)).group_by(Recipient.price_area)
    return [(area, number) for area, number in session.execute(query)]


def _insert_engagements(session: Session, rows: _Rows, now: datetime) -> int:
    """Insert the engagements of the slice's people; returns how many. In the order of their keys: two launches cannot deadlock."""
    row = aliased(Recipient)
    people = (
        select(row.person_key, row.campaign_id, row.contact_id, literal(now, Engagement.created_at.type))
        .where(*rows.queued(row))
        .order_by(row.person_key)
    )
    names = ["person_key", "campaign_id", "contact_id", "created_at"]
    statement = insert_into(session, Engagement.__table__).from_select(names, people).on_conflict_do_nothing()
    # Without the option SQLAlchemy discards the driver's row count.
    result: Any = session.execute(statement, execution_options={"preserve_rowcount": True})
    return int(result.rowcount)


def _leave_out_engaged(session: Session, rows: _Rows) -> None:
    """Mark as `not_sent` the queued recipients whom another campaign engaged first."""
    engagement = aliased(Engagement)
    is_ours = exists().where(engagement.person_key == Recipient.person_key, engagement.campaign_id == rows.campaign_id)
    session.execute(
        update(Recipient)
        .where(*rows.queued(Recipient), ~is_ours)
        .values(
            state=RecipientState.NOT_SENT,
            reason=NotSent.ENGAGED,
            detail=engaged_by(Recipient.__table__.c.person_key),
            source_values=None,
            due_at=None,
            queued_at=None,
            price_area=None,
        ),
        execution_options=NO_SYNC,
    )
