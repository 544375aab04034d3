"""Counts the recipients of a block of ids, and keeps the sums of blocks equal to the rows.

A trigger notes in which blocks rows changed (migration 0034): whoever changes a row need not know of it. A recount takes these
notes away first and counts then, so a change that is committed in between leaves a note of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    Subquery,
    and_,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session

from models.clicks.figures import IS_CLICK
from models.db.dialect import NO_SYNC, insert_into, is_sqlite, literal_word
from models.db.functions import EpochMinute
from models.results.figures import GROUPED_BY, Figures
from models.tables.click import Click
from models.tables.flow import FunnelStep
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_opt_out import RecipientOptOut
from models.tables.recipient_tap import RecipientTap
from models.tables.result import CampaignResult, RecipientBlock, RecipientChange

BLOCK_BITS = 12
"""A block holds 4,096 ids: a recount reads so many rows, by the primary key."""
COUNTING_LOCK = 3_497_801
"""The advisory lock of PostgreSQL under which blocks are counted: an older count never overwrites a newer one."""

_SENT_AT = func.coalesce(
    Recipient.accepted_at, Recipient.sent_at, Recipient.delivered_at, Recipient.read_at, Recipient.failed_at,
    Recipient.claimed_at,
)  # fmt: skip
_IS_SENT = and_(Recipient.state.in_((RecipientState.ACCEPTED, RecipientState.HELD)), Recipient.status != "held")
_IS_DELIVERED = Recipient.status.in_(("delivered", "read"))
_IS_READ = Recipient.status == "read"
_MOMENTS = {
    "sent": (_SENT_AT, _IS_SENT),
    "delivered": (func.coalesce(Recipient.delivered_at, Recipient.read_at), _IS_DELIVERED),
    "read": (Recipient.read_at, _IS_READ),
    "replied": (Recipient.replied_at, Recipient.is_replied),
}


def changed_blocks(session: Session, limit: int) -> Sequence[int]:
    """The blocks in which a row changed, the one that waits longest first."""
    query = select(RecipientChange.block).group_by(RecipientChange.block).order_by(func.min(RecipientChange.id))
    return session.scalars(query.limit(limit)).all()


def recount_block(session: Session, block: int, now: datetime) -> bool:
    """Count a block again in this write transaction. False if another process is counting: then nothing is done."""
    if not is_sqlite(session):
        query = text("SELECT pg_try_advisory_xact_lock(:key)")
        if not session.scalar(query, {"key": COUNTING_LOCK}):
            return False
    session.execute(delete(RecipientChange).where(RecipientChange.block == block), execution_options=NO_SYNC)
    counted = count_block(session, block)
    removed = delete(RecipientBlock).where(RecipientBlock.block == block).returning(RecipientBlock.campaign_id)
    concerned = {*session.scalars(removed, execution_options=NO_SYNC), *counted}
    if counted:
        rows = [
            {"campaign_id": key, "block": block, "figures": figures.to_json(), "counted_at": now}
            for key, figures in sorted(counted.items())
        ]
        session.execute(insert(RecipientBlock), rows)
    if concerned:
        stale = insert_into(session, CampaignResult.__table__).on_conflict_do_update(
            index_elements=["campaign_id"], set_={"is_stale": True}
        )
        session.execute(stale, [{"campaign_id": key, "is_stale": True, "people": 0} for key in sorted(concerned)])
    return True


def count_block(session: Session, block: int) -> dict[int, Figures]:
    """The sums of a block's rows as they are now, by campaign."""
    first = block << BLOCK_BITS
    last = first + (1 << BLOCK_BITS) - 1
    is_inside = Recipient.id.between(first, last)
    found: dict[int, Figures] = {}

    def figures_of(campaign_id: int) -> Figures:
        return found.setdefault(campaign_id, Figures())

    for campaign_id, *key, number in session.execute(_groups().where(is_inside)):
        state, status, reason, *rest = key
        figures_of(campaign_id).groups[(state.value, status, reason.value if reason else None, *rest)] = number
    first_clicks = _first_clicks(first, last)
    clicks = _counted(Recipient.campaign_id, Recipient.cohort_id, EpochMinute(first_clicks.c.at))
    clicks = clicks.join(first_clicks, first_clicks.c.recipient_id == Recipient.id).where(is_inside)
    for campaign_id, cohort_id, minute, number in session.execute(clicks):
        figures_of(campaign_id).clicks[cohort_id] += number
        figures_of(campaign_id).moments["clicked"][int(minute)] += number
    for campaign_id, cohort_id, hour, *values in session.execute(_cells(first_clicks).where(is_inside)):
        figures_of(campaign_id).cells[cohort_id, int(hour)] = [int(value) for value in values]
    for fact, (at, condition) in _MOMENTS.items():
        query = _counted(Recipient.campaign_id, EpochMinute(at)).where(is_inside, condition, at.is_not(None))
        for campaign_id, minute, number in session.execute(query):
            figures_of(campaign_id).moments[fact][int(minute)] = number
    taps = _counted(RecipientTap.campaign_id, RecipientTap.place, RecipientTap.title)
    for campaign_id, place, title, number in session.execute(
        taps.where(RecipientTap.recipient_id.between(first, last))
    ):
        figures_of(campaign_id).taps[place, title] = number
    opt_outs = _counted(RecipientOptOut.campaign_id, RecipientOptOut.way)
    is_of_block = RecipientOptOut.recipient_id.between(first, last)
    for campaign_id, way, number in session.execute(opt_outs.where(is_of_block)):
        figures_of(campaign_id).opt_outs[way.value] = number
    steps = _counted(Recipient.campaign_id, FunnelStep.step).join(FunnelStep, FunnelStep.recipient_id == Recipient.id)
    for campaign_id, step, number in session.execute(steps.where(FunnelStep.recipient_id.between(first, last))):
        figures_of(campaign_id).steps[step] = number
    return found


def _counted(*columns: Any) -> Select[Any]:
    return select(*columns, func.count()).group_by(*columns)


def _groups() -> Select[Any]:
    # Without bound values, so that PostgreSQL sees the same expression in GROUP BY.
    code = case((Recipient.status == literal_word("failed"), Recipient.error_code), else_=null())
    return _counted(*GROUPED_BY, code)


def _first_clicks(first: int, last: int) -> Subquery:
    query = select(Click.recipient_id, func.min(Click.at).label("at")).where(Click.recipient_id.between(first, last))
    return query.where(IS_CLICK).group_by(Click.recipient_id).subquery("first_click")


def _cells(first_clicks: Subquery) -> Select[Any]:
    columns = (Recipient.campaign_id, Recipient.cohort_id, EpochMinute(_SENT_AT) // literal_column("60", Integer))

    def number_of(condition: Any) -> Any:
        return func.sum(case((condition, 1), else_=0))

    return (
        select(
            *columns,
            func.count(),
            number_of(_IS_DELIVERED),
            number_of(_IS_READ),
            number_of(first_clicks.c.recipient_id.is_not(None)),
            number_of(Recipient.is_replied == true()),
            number_of(RecipientOptOut.recipient_id.is_not(None)),
        )
        .outerjoin(first_clicks, first_clicks.c.recipient_id == Recipient.id)
        .outerjoin(RecipientOptOut, RecipientOptOut.recipient_id == Recipient.id)
        .where(_IS_SENT, _SENT_AT.is_not(None))
        .group_by(*columns)
    )
