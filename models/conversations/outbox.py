"""Claims the queued messages of conversations, one by one and in order, and records the results of sending them.

A row becomes `sending` before its request leaves, and lane and attempt must match when its result is written. So at most one
request leaves for a row, whichever process dies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from models.conversations.messages import is_window_open
from models.db.dialect import NO_SYNC
from models.sending.wamid import duplicate_wamids
from models.stored_texts import SAME_ID, WINDOW_CLOSED
from models.tables.contact import Contact, ContactIdentity
from models.tables.conversation import IN_QUEUE, Conversation, Message, MessageState
from models.tables.number import Number, Waba
from models.text import Text

NUMBER_PAUSE = timedelta(seconds=15)
"""How long the messages of a stopped number wait until the number is checked again."""


class ClaimedMessage(NamedTuple):
    """A message that the lane must send once. `attempt` counts from 1; `bsuid` is the user id of docs/meta.md §7.9."""

    id: int
    conversation_id: int
    attempt: int
    content: dict[str, Any]
    number_id: int
    phone_number_id: str
    access_token: str
    wa_id: str | None
    phone: str | None
    bsuid: str | None


@dataclass(frozen=True, slots=True)
class MessageResult:
    """The result of sending a claimed message. With QUEUED it is tried again at `due_at`."""

    message_id: int
    attempt: int
    state: MessageState
    at: datetime
    wamid: str | None = None
    error_code: int | None = None
    message: Text | None = None
    due_at: datetime | None = None


def numbers_with_due(session: Session, conversation_ids: Iterable[int], now: datetime) -> dict[int, int]:
    """The number's id of each conversation whose next message is due."""
    heads = _heads(session, conversation_ids)
    return {head.conversation_id: head.number_id for head in heads if _is_due(head, now)}


def claim_next(
    session: Session, conversation_ids: Iterable[int], lane_id: int, now: datetime
) -> dict[int, ClaimedMessage]:
    """Claim the next message of each conversation, `queued → sending`; returns them by conversation id.

    The caller commits before the request leaves. A message that waits for another try holds back those after it. Outside the
    24 h window a message becomes `not_sent` with the reason; while its number is stopped or held, it waits.
    """
    due = [head for head in _heads(session, conversation_ids) if _is_due(head, now)]
    outside_ids = [head.id for head in due if not is_window_open(head.last_inbound_at, now)]
    _fail_outside_window(session, outside_ids, now)
    waiting_heads = {head.number_id: head for head in due if _number_waits(head, now)}
    for number_id, head in waiting_heads.items():
        until = max(head.held_until or now, now + NUMBER_PAUSE)
        ids = [each.id for each in due if each.number_id == number_id and each.id not in outside_ids]
        session.execute(update(Message).where(Message.id.in_(ids)).values(due_at=until), execution_options=NO_SYNC)
    ready_ids = [head.id for head in due if head.id not in outside_ids and head.number_id not in waiting_heads]
    if not ready_ids:
        return {}
    claimed_ids = session.scalars(
        update(Message)
        .where(Message.id.in_(ready_ids), Message.state == MessageState.QUEUED)
        .values(state=MessageState.SENDING, lane_id=lane_id, attempts=Message.attempts + 1)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return {row.conversation_id: row for row in _with_addresses(session, claimed_ids)}


def record_sent(session: Session, lane_id: int, results: Sequence[MessageResult]) -> None:
    """Write the results of this lane's messages. A message that the sweep made `unsure` can still become `accepted`."""
    duplicates = duplicate_wamids(session, Message, ((sent.message_id, sent.wamid) for sent in results))
    rows = [
        {
            "for_id": sent.message_id,
            "for_attempt": sent.attempt,
            "for_lane": lane_id,
            "from_unsure": MessageState.UNSURE if sent.state is MessageState.ACCEPTED else MessageState.SENDING,
            "to_state": sent.state,
            "new_wamid": sent.wamid,
            "accepted": sent.at if sent.state is MessageState.ACCEPTED else None,
            "unsure": sent.at if sent.state is MessageState.UNSURE else None,
            "failed": sent.at if sent.state in {MessageState.REFUSED, MessageState.NOT_SENT} else None,
            "code": sent.error_code,
            "msg": sent.message and sent.message.stored(),
            "due": sent.due_at,
        }
        for sent in (
            _unsure_if_duplicate(each, duplicates) for each in sorted(results, key=lambda each: each.message_id)
        )
    ]
    if rows:
        session.connection().execute(_RECORD, rows)


def postpone(session: Session, conversation_ids: Iterable[int], until: datetime) -> None:
    """Make the next message of each conversation due at `until`; those after it wait with it."""
    ids = [head.id for head in _heads(session, conversation_ids) if head.state is MessageState.QUEUED]
    session.execute(update(Message).where(Message.id.in_(ids)).values(due_at=until), execution_options=NO_SYNC)


def _unsure_if_duplicate(sent: MessageResult, duplicates: set[str]) -> MessageResult:
    if sent.wamid not in duplicates:
        return sent
    return replace(sent, state=MessageState.UNSURE, wamid=None, message=SAME_ID())


class _Head(NamedTuple):
    """The next message of a conversation, with the facts that decide whether it can be sent."""

    id: int
    conversation_id: int
    state: MessageState
    due_at: datetime | None
    last_inbound_at: datetime | None
    number_id: int
    stopped_at: datetime | None
    answers_go_on: bool | None
    held_until: datetime | None


def _heads(session: Session, conversation_ids: Iterable[int]) -> list[_Head]:
    """The next message of each conversation, also one that is being sent.

    That includes a dead lane's message: those after it wait until the sweep has settled it.
    """
    rows = session.execute(
        select(
            Message.id,
            Message.conversation_id,
            Message.state,
            Message.due_at,
            Conversation.last_inbound_at,
            Conversation.number_id,
            Number.stopped_at,
            Number.answers_go_on,
            Number.held_until,
        )
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Number, Number.id == Conversation.number_id)
        .where(IN_QUEUE, Message.conversation_id.in_(list(conversation_ids)))
        .order_by(Message.conversation_id, Message.id)
    )
    first: dict[int, _Head] = {}
    for row in rows:
        first.setdefault(row.conversation_id, _Head(*row))
    return list(first.values())


def _is_due(head: _Head, now: datetime) -> bool:
    return head.state is MessageState.QUEUED and (head.due_at is None or head.due_at <= now)


def _number_waits(head: _Head, now: datetime) -> bool:
    is_stopped = head.stopped_at is not None and not head.answers_go_on
    return is_stopped or (head.held_until is not None and head.held_until > now)


def _fail_outside_window(session: Session, message_ids: Sequence[int], now: datetime) -> None:
    if message_ids:
        session.execute(
            update(Message)
            .where(Message.id.in_(message_ids), Message.state == MessageState.QUEUED)
            .values(state=MessageState.NOT_SENT, error_msg=WINDOW_CLOSED().stored(), failed_at=now)
            .execution_options(synchronize_session=False)
        )


def _with_addresses(session: Session, message_ids: Sequence[int]) -> list[ClaimedMessage]:
    """The claimed messages with Meta's ids of sender and receiver."""
    bsuid = (
        select(func.max(ContactIdentity.bsuid))
        .where(ContactIdentity.contact_id == Contact.id, ContactIdentity.portfolio_id == Waba.portfolio_id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Message.id,
            Message.conversation_id,
            Message.attempts,
            Message.payload,
            Number.id,
            Number.phone_number_id,
            Number.access_token,
            Contact.wa_id,
            Contact.phone,
            bsuid,
        )
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .join(Number, Number.id == Conversation.number_id)
        .join(Waba, Waba.id == Number.waba_id)
        .where(Message.id.in_(message_ids))
    )
    return [ClaimedMessage(*row) for row in rows]


_M: Any = Message.__table__.c
_RECORD = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(
        _M.id == bindparam("for_id"),
        _M.attempts == bindparam("for_attempt"),
        _M.lane_id == bindparam("for_lane"),
        or_(_M.state == MessageState.SENDING, _M.state == bindparam("from_unsure")),
    )
    .values(
        state=bindparam("to_state"),
        wamid=func.coalesce(bindparam("new_wamid", type_=_M.wamid.type), _M.wamid),
        accepted_at=func.coalesce(_M.accepted_at, bindparam("accepted", type_=_M.accepted_at.type)),
        unsure_at=func.coalesce(_M.unsure_at, bindparam("unsure", type_=_M.unsure_at.type)),
        failed_at=func.coalesce(_M.failed_at, bindparam("failed", type_=_M.failed_at.type)),
        error_code=bindparam("code"),
        error_msg=bindparam("msg"),
        due_at=func.coalesce(bindparam("due", type_=_M.due_at.type), _M.due_at),
    )
)
"""One statement for every outcome, so that a batch is one round trip."""
