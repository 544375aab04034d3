"""Leases conversations to the processes that answer, one process at a time, and selects the work that waits in them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from models.tables.conversation import IN_QUEUE, Conversation, Message, MessageState
from models.tables.flow import OPEN_ACTION, Action, ActionKind, ActionState, FlowSession

LEASE = timedelta(seconds=30)

# Written out, not bound: a partial index serves only a condition that the planner can read.
UNHANDLED = text("message.direction = 'in' AND message.handled_at IS NULL")


class Unhandled(NamedTuple):
    """An inbound message that was not routed yet. `at` is Meta's time."""

    id: int
    conversation_id: int
    type: str
    body: str | None
    button_payload: str | None
    context_wamid: str | None
    wamid: str | None
    recipient_id: int | None
    at: datetime
    route: str | None
    """Set if the ingest routed the message: a confirmed double opt-in."""


def unclaimed_work(session: Session, now: datetime, limit: int) -> list[int]:
    """The ids of up to `limit` conversations without a valid lease in which work waits.

    Work is an unhandled message, a due outgoing message, a hand-over to a flow, a due timer or the result of a call.
    """
    sources = (
        select(Message.conversation_id).where(UNHANDLED).distinct(),
        _with_due_messages(now),
        select(Conversation.id).where(Conversation.handed_flow_id.is_not(None)),
        _with_due_actions(now),
    )
    ids_by_source: list[Sequence[int]] = []
    for source in sources:
        ids = source.subquery()
        unleased = select(Conversation.id).where(Conversation.id.in_(select(ids.c[0])), _is_free(now)).limit(limit)
        ids_by_source.append(session.scalars(unleased).all())
    # One of each kind in turn, so that many of one kind do not delay the others.
    mixed = dict.fromkeys(key for row in zip_longest(*ids_by_source) for key in row if key is not None)
    return list(mixed)[:limit]


def has_work(session: Session, conversation_id: int, now: datetime) -> bool:
    """Whether work waits in this conversation, leased or not."""
    mine = Message.conversation_id == conversation_id
    checks = (
        select(Message.id).where(UNHANDLED, mine).limit(1),
        _with_due_messages(now).where(mine),
        select(Conversation.id).where(Conversation.id == conversation_id, Conversation.handed_flow_id.is_not(None)),
        _with_due_actions(now).where(Conversation.id == conversation_id).limit(1),
    )
    return any(session.execute(check).first() is not None for check in checks)


def claim_conversations(session: Session, ids: Iterable[int], claimant: str, now: datetime) -> list[int]:
    """Lease the conversations that have no valid lease, for LEASE; returns their ids, ascending.

    If the process dies, the lease expires by itself.
    """
    # Locked in key order, so that two processes that claim the same rows at once cannot deadlock.
    free_ids = session.scalars(
        select(Conversation.id)
        .where(Conversation.id.in_(sorted(ids)), _is_free(now))
        .order_by(Conversation.id)
        .with_for_update(skip_locked=True)
    ).all()
    return _lease(session, free_ids, claimant, now, _is_free(now))


def keep_conversations(session: Session, ids: Iterable[int], claimant: str, now: datetime) -> list[int]:
    """Renew the lease of those that `claimant` still holds; returns their ids, ascending.

    Only the holder commits what is written in the same transaction.
    """
    return _lease(session, sorted(ids), claimant, now, Conversation.answering_by == claimant)


def release_conversations(session: Session, ids: Iterable[int], claimant: str) -> None:
    """End the leases that `claimant` holds on these conversations.

    The caller then asks `has_work` once more: a wake-up that came in the meantime could not claim them.
    """
    session.execute(
        update(Conversation)
        .where(Conversation.id.in_(list(ids)), Conversation.answering_by == claimant)
        .values(answering_by=None, answering_until=None)
        .execution_options(synchronize_session=False)
    )


def next_unhandled(session: Session, ids: Iterable[int]) -> dict[int, Unhandled]:
    """The first unhandled message of each conversation, by Meta's time."""
    ranked = (
        select(
            Message.id,
            func.row_number()
            .over(partition_by=Message.conversation_id, order_by=(Message.at, Message.id))
            .label("place"),
        )
        .where(UNHANDLED, Message.conversation_id.in_(list(ids)))
        .subquery()
    )
    columns = [getattr(Message, name) for name in Unhandled._fields]
    rows = session.execute(select(*columns).join(ranked, ranked.c.id == Message.id).where(ranked.c.place == 1))
    return {row.conversation_id: Unhandled(*row) for row in rows}


def mark_handled(session: Session, messages: Sequence[tuple[int, str, str]], now: datetime) -> bool:
    """Mark each (message id, route, reason) as handled.

    False if one of them was handled before: the caller must roll back.
    """
    rows = [{"b_id": key, "b_at": now, "b_route": to, "b_reason": why} for key, to, why in sorted(messages)]
    return not rows or session.connection().execute(_MARK, rows).rowcount == len(rows)


_M: Any = Message.__table__.c
_MARK = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(_M.id == bindparam("b_id"), _M.handled_at.is_(None))
    .values(handled_at=bindparam("b_at"), route=bindparam("b_route"), route_reason=bindparam("b_reason"))
)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(Conversation.answering_until.is_(None), Conversation.answering_until <= now)


def _lease(
    session: Session, ids: Sequence[int], claimant: str, now: datetime, condition: ColumnElement[bool]
) -> list[int]:
    if not ids:
        return []
    leased_ids = session.scalars(
        update(Conversation)
        .where(Conversation.id.in_(ids), condition)
        .values(answering_by=claimant, answering_until=now + LEASE)
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(leased_ids)


def _with_due_messages(now: datetime) -> Select[int]:
    """Conversations whose next message is due. A message that waits or is being sent holds back those after it."""
    head = text(
        "message.id = (SELECT min(earlier.id) FROM message AS earlier WHERE earlier.state IN ('queued', 'sending')"
        " AND earlier.conversation_id = message.conversation_id)"
    )
    return select(Message.conversation_id).where(
        IN_QUEUE, Message.state == MessageState.QUEUED, Message.due_at <= now, head
    )


def _with_due_actions(now: datetime) -> Select[int]:
    """Conversations whose session has a due timer or the result of a call."""
    is_timer = and_(Action.kind == ActionKind.TIMER, Action.state == ActionState.PENDING)
    has_result = and_(Action.kind != ActionKind.TIMER, Action.result.is_not(None))
    return (
        select(Conversation.id)
        .join(
            FlowSession,
            and_(FlowSession.contact_id == Conversation.contact_id, FlowSession.number_id == Conversation.number_id),
        )
        .join(Action, Action.session_id == FlowSession.id)
        .where(OPEN_ACTION, Action.due_at <= now, or_(is_timer, has_result))
    )
