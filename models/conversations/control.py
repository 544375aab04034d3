"""Says whether another responder on our number has a conversation, by Meta's events in any order (docs/meta.md §7.11).

While another has it our bots are silent: their sessions end, and what they have queued is not sent. A message that Meta delivers to
us afterwards, or a hand-over to us, gives the conversation back.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import IntEnum

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from models.conversations.flow_sessions import end_live_sessions
from models.conversations.messages import BOT, drop_bot_messages
from models.conversations.unread import mark_unread
from models.db.dialect import NO_SYNC, insert_into
from models.stored_texts import TAKEN_OVER
from models.tables.conversation import STANDBY, Conversation, Direction, Message
from models.tables.conversation_control import ConversationControl, Responder

ANSWERED_ELSEWHERE = "answered_elsewhere"
"""Why a flow session ended."""
NOT_THE_OWNER = 131070
"""Meta's code for a service message in a conversation of another responder (docs/meta.md §3.2)."""
MAX_ROLE = 40
MAX_SUMMARY = 2000
_TABLE = ConversationControl.__table__


class Evidence(IntEnum):
    """An event that tells who has a conversation. Of events of one second the greater counts: a hand-over follows a message."""

    MESSAGE = 0
    """A message was delivered to us."""
    STANDBY = 1
    """A message was shown to us while another responder has the conversation, or that responder wrote it."""
    PASSED = 2
    """The conversation was passed to us."""
    TAKEN = 3
    """The conversation was taken from us, or Meta refused our answer since it belongs to another."""
    ANSWERED = 4
    """Meta accepted an agent's answer, which takes the conversation over: it would refuse one that may not."""

    @property
    def responder(self) -> Responder:
        """Who has the conversation after this event."""
        return Responder.OTHER if self in {Evidence.STANDBY, Evidence.TAKEN} else Responder.US


def answered_elsewhere(session: Session, conversation_ids: Collection[int]) -> set[int]:
    """Those of the conversations that another responder has."""
    if not conversation_ids:
        return set()
    rows = session.scalars(
        select(ConversationControl.conversation_id).where(
            ConversationControl.conversation_id.in_(conversation_ids),
            ConversationControl.responder == Responder.OTHER,
        )
    )
    return set(rows)


def record_control(
    session: Session,
    conversation_id: int,
    evidence: Evidence,
    at: datetime,
    now: datetime,
    *,
    role: str = "",
    summary: str | None = None,
) -> bool:
    """Apply one event of Meta's time `at`. False if a newer one was applied before: nothing is changed then."""
    values = {
        "conversation_id": conversation_id,
        "responder": evidence.responder,
        "at": at,
        "rank": int(evidence),
        "role": role[:MAX_ROLE],
        "summary": summary and summary[:MAX_SUMMARY],
    }
    statement = insert_into(session, _TABLE).values(values)
    new, stored = statement.excluded, _TABLE.c
    is_newer = or_(new.at > stored.at, (new.at == stored.at) & (new.rank > stored.rank))
    changes = {name: new[name] for name in values if name != "conversation_id"}
    statement = statement.on_conflict_do_update(index_elements=["conversation_id"], set_=changes, where=is_newer)
    if session.execute(statement.returning(stored.conversation_id)).first() is None:
        return False
    if evidence.responder is Responder.OTHER:
        delivered_at = _last_delivered(session, conversation_id)
        if delivered_at is not None and delivered_at > at:
            note_delivered(session, {conversation_id: delivered_at})
        else:
            _silence_bots(session, conversation_id, now)
    return True


def note_delivered(session: Session, delivered: Mapping[int, datetime]) -> None:
    """Take back the conversations in which a message was delivered to us: `delivered` is Meta's time of the newest by id."""
    for conversation_id in sorted(answered_elsewhere(session, delivered)):
        at = delivered[conversation_id]
        session.execute(
            update(ConversationControl)
            .where(ConversationControl.conversation_id == conversation_id, ConversationControl.at < at)
            .values(responder=Responder.US, at=at, rank=int(Evidence.MESSAGE), role="", summary=None),
            execution_options=NO_SYNC,
        )


def note_refused(session: Session, message_ids: Iterable[int], now: datetime) -> None:
    """Meta refused these messages with NOT_THE_OWNER: another responder has their conversations, which people have to know.

    The time is that of the newest event that told otherwise, for our clock may be ahead of Meta's: the next one gives it back.
    """
    ids = list(message_ids)
    if not ids:
        return
    refused_ids = sorted(session.scalars(select(Message.conversation_id).where(Message.id.in_(ids)).distinct()))
    for conversation_id in refused_ids:
        told = session.scalar(
            select(ConversationControl.at).where(ConversationControl.conversation_id == conversation_id)
        )
        times = [moment for moment in (told, _last_delivered(session, conversation_id)) if moment is not None]
        record_control(session, conversation_id, Evidence.TAKEN, max(times, default=now), now)
    mark_unread(session, refused_ids, now)


def note_answered(session: Session, message_ids: Iterable[int]) -> None:
    """Meta accepted these messages: where an agent wrote one the conversation is ours, until a newer event tells otherwise."""
    ids = list(message_ids)
    if not ids:
        return
    answered_ids = select(Message.conversation_id).where(Message.id.in_(ids), Message.author != BOT)
    session.execute(
        update(ConversationControl)
        .where(ConversationControl.conversation_id.in_(answered_ids), ConversationControl.responder == Responder.OTHER)
        .values(responder=Responder.US, rank=int(Evidence.ANSWERED), role="", summary=None),
        execution_options=NO_SYNC,
    )


def delete_control(session: Session, contact_id: int) -> None:
    """Delete what is stored of a person's conversations."""
    conversation_ids = select(Conversation.id).where(Conversation.contact_id == contact_id)
    session.execute(
        delete(ConversationControl).where(ConversationControl.conversation_id.in_(conversation_ids)),
        execution_options=NO_SYNC,
    )


def _last_delivered(session: Session, conversation_id: int) -> datetime | None:
    return session.scalar(
        select(func.max(Message.at)).where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.IN,
            Message.type != "system",  # written by WhatsApp, not by the person
            or_(Message.route.is_(None), Message.route != STANDBY),
        )
    )


def _silence_bots(session: Session, conversation_id: int, now: datetime) -> None:
    conversation = session.get_one(Conversation, conversation_id, with_for_update=True)
    end_live_sessions(session, conversation.contact_id, ANSWERED_ELSEWHERE, now, number_id=conversation.number_id)
    drop_bot_messages(session, [conversation_id], TAKEN_OVER(), now)
