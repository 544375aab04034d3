"""Queues recipients once more, and takes them out of the queue again: what stood on the row moves to `recipient_try` and back.

Whoever calls this has locked the recipients, or is the only writer.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session, aliased

from models.db.bulk import among
from models.db.dialect import NO_SYNC, literal_word
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_try import RecipientTry

CHUNK = 5_000
_SAME = ("campaign_id", "contact_id", "price_area")
_OF_THE_ROW = ("id", "status", *_SAME)
KEPT = tuple(
    column.name
    for column in RecipientTry.__table__.columns
    if column.name in Recipient.__table__.columns and column.name not in _OF_THE_ROW
)
"""The columns of a recipient that belong to one try: they move to its row, and begin anew."""
_NEW: dict[str, Any] = dict.fromkeys(KEPT) | {"failures": 0, "reason": None, "lane_id": None}
_WAITING = (literal_word("queued"), literal_word("not_sent"))
ARRIVED = ("held", "sent", "delivered", "read")
"""Statuses of a try that Meta took after all: nothing more is sent."""


class TakenBack(NamedTuple):
    """A recipient that shows the try before again."""

    recipient_id: int
    status: str


def queue_again(session: Session, recipient_ids: Sequence[int], now: datetime) -> int:
    """Queue these recipients for one more try; return how many. The row that each had becomes an earlier try."""
    for start in range(0, len(recipient_ids), CHUNK):
        chosen = among(session, Recipient.id, recipient_ids[start : start + CHUNK])
        columns = ("recipient_id", "attempt", "again_at", *_SAME, *KEPT)
        kept = select(
            Recipient.id,
            Recipient.attempts,
            literal(now, RecipientTry.again_at.type),
            *(getattr(Recipient, name) for name in (*_SAME, *KEPT)),
        )
        session.execute(insert(RecipientTry).from_select(columns, kept.where(chosen).order_by(Recipient.id)))
        session.execute(
            update(Recipient)
            .where(chosen)
            .values(_NEW | {"state": RecipientState.QUEUED, "due_at": now, "queued_at": now}),
            execution_options=NO_SYNC,
        )
    return len(recipient_ids)


def take_back(session: Session, recipient_ids: Iterable[int], *, not_before: datetime | None = None) -> list[TakenBack]:
    """Let those of these recipients that wait for another try show the one before, which is then no row any more.

    Recipients that wait for their first try, or do not wait, stay as they are. `not_before`: the next try is queued no earlier.
    """
    taken: list[TakenBack] = []
    ids = sorted(set(recipient_ids))
    for start in range(0, len(ids), CHUNK):
        taken += _take_back(session, ids[start : start + CHUNK], not_before)
    return taken


def _take_back(session: Session, recipient_ids: Sequence[int], not_before: datetime | None) -> list[TakenBack]:
    later = aliased(RecipientTry)
    newest = select(func.max(later.attempt)).where(later.recipient_id == RecipientTry.recipient_id).scalar_subquery()
    of_waiting = (
        select(RecipientTry.id, RecipientTry.recipient_id, RecipientTry.status)
        .join(Recipient, Recipient.id == RecipientTry.recipient_id)
        .where(
            among(session, RecipientTry.recipient_id, recipient_ids),
            Recipient.state.in_(_WAITING),
            RecipientTry.attempt == newest,
        )
        .order_by(RecipientTry.recipient_id)
    )
    rows = session.execute(of_waiting.with_for_update(of=Recipient)).all()
    if not rows:
        return []
    try_ids = [row.id for row in rows]
    shown: dict[str, Any] = {name: getattr(RecipientTry, name) for name in KEPT}
    session.execute(
        update(Recipient)
        .where(
            Recipient.id == RecipientTry.recipient_id,
            among(session, RecipientTry.id, try_ids),
            Recipient.state.in_(_WAITING),
        )
        .values(shown | {"reason": None, "lane_id": None, "due_at": not_before}),
        execution_options=NO_SYNC,
    )
    session.execute(delete(RecipientTry).where(among(session, RecipientTry.id, try_ids)), execution_options=NO_SYNC)
    return [TakenBack(row.recipient_id, row.status) for row in rows]


def queued_again(session: Session, condition: ColumnElement[bool]) -> list[int]:
    """The ids of the recipients that wait for another try, among those of the condition."""
    has_try = select(RecipientTry.id).where(RecipientTry.recipient_id == Recipient.id).exists()
    query = select(Recipient.id).where(
        condition, Recipient.state == literal_word("queued"), Recipient.attempts > 0, has_try
    )
    return list(session.scalars(query))


def with_tries(session: Session, recipient_ids: Collection[int]) -> dict[int, bool]:
    """Of these recipients those that have an earlier try: id → whether Meta took one of them after all (`ARRIVED`)."""
    found: dict[int, bool] = {}
    if recipient_ids:
        query = select(RecipientTry.recipient_id, RecipientTry.status).where(
            among(session, RecipientTry.recipient_id, recipient_ids)
        )
        for row in session.execute(query):
            found[row.recipient_id] = found.get(row.recipient_id, False) or row.status in ARRIVED
    return found


def tries_of(session: Session, recipient_ids: Sequence[int]) -> dict[int, list[RecipientTry]]:
    """The earlier tries by recipient, the first one first."""
    tries: dict[int, list[RecipientTry]] = {}
    if recipient_ids:
        query = select(RecipientTry).where(among(session, RecipientTry.recipient_id, recipient_ids))
        query = query.order_by(RecipientTry.recipient_id, RecipientTry.attempt)
        for row in session.scalars(query, execution_options={"populate_existing": True}):
            tries.setdefault(row.recipient_id, []).append(row)
    return tries


def count_retried(session: Session, campaign_ids: Sequence[int]) -> dict[int, int]:
    """How many people of each campaign were written to again, or wait for it; those of no campaign are absent."""
    query = select(RecipientTry.campaign_id, func.count(RecipientTry.recipient_id.distinct()).label("people"))
    rows = session.execute(query.where(RecipientTry.campaign_id.in_(campaign_ids)).group_by(RecipientTry.campaign_id))
    return {row.campaign_id: row.people for row in rows}
