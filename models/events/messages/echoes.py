"""Stores what others wrote from our number: the business in its phone app, or another responder (docs/meta.md §7.8, §7.11).

An echo is shown as ours. One from the phone app takes the conversation as an agent's answer does; another responder's says that the
conversation is theirs. Echoes come late, repeatedly and in any order: what they do depends on Meta's time alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from models.contacts.identity import Identity, phone_of_wa_id
from models.contacts.resolve import resolve_unless_erased
from models.conversations.cases import await_agents, keep_attended, open_case
from models.conversations.control import Evidence, record_control
from models.conversations.messages import conversations_of, drop_bot_messages
from models.db.dialect import insert_into
from models.events.messages.attribution import AttributedReply
from models.events.messages.edits import apply_edits
from models.events.messages.known import our_numbers, stored_wamids
from models.events.messages.senders import identity
from models.events.types import ABOUT_THE_CHAT, Echo, Sender
from models.stored_texts import TAKEN_OVER
from models.tables.audit import META, AuditAction, record_audit
from models.tables.conversation import (
    PHONE_APP_AUTHOR,
    STANDBY,
    Case,
    Conversation,
    Direction,
    Message,
    MessageState,
)
from models.tables.recipient import Recipient
from models.tables.recipient_try import RecipientTry

_CONVERSATION, _MESSAGE = Conversation.__table__, Message.__table__


@dataclass(slots=True)
class EchoResult:
    """Counts of a batch: `repeated` echoes were stored before, `strangers` are of numbers that are not ours."""

    stored: int = 0
    repeated: int = 0
    strangers: int = 0


def store_echoes(session: Session, echoes: Sequence[Echo], now: datetime) -> EchoResult:
    """Store a batch in the order of Meta's time. An echo of a message that we sent ourselves is none."""
    result = EchoResult()
    numbers = our_numbers(session, {echo.message.phone_number_id for echo in echoes})
    wamids = [echo.message.wamid for echo in echoes]
    known = stored_wamids(session, wamids) | _sent_by_campaigns(session, wamids)
    for echo in sorted(echoes, key=lambda each: (each.message.at, each.message.wamid)):
        message = echo.message
        if message.phone_number_id not in numbers:
            result.strangers += 1
            continue
        if message.wamid in known:
            result.repeated += 1
            continue
        known.add(message.wamid)
        number_id, portfolio_id = numbers[message.phone_number_id]
        contact_id = resolve_unless_erased(session, _receiver(message.sender, portfolio_id, message.at), now)
        if contact_id is None:
            continue
        conversation_id = open_conversation(session, contact_id, number_id, now, last_message_at=message.at)
        if not _insert(session, echo, conversation_id):
            result.repeated += 1
            continue
        result.stored += 1
        reply = AttributedReply(message, contact_id, number_id)
        apply_edits(session, [reply], {(contact_id, number_id): conversation_id}, Direction.OUT)
        if message.type in ABOUT_THE_CHAT:
            continue
        if echo.author == PHONE_APP_AUTHOR:
            _take(session, contact_id, number_id, message.at, now)
        else:
            record_control(session, conversation_id, Evidence.STANDBY, message.at, now)
    return result


def open_conversation(
    session: Session, contact_id: int, number_id: int, now: datetime, last_message_at: datetime | None = None
) -> int:
    """The id of the conversation of this contact and number, made if there is none. It opens no service window."""
    row = {"contact_id": contact_id, "number_id": number_id, "last_message_at": last_message_at, "created_at": now}
    statement = insert_into(session, _CONVERSATION).values(row)
    stored, new = _CONVERSATION.c.last_message_at, statement.excluded.last_message_at
    later = case((or_(stored.is_(None), new > stored), new), else_=stored)
    statement = statement.on_conflict_do_update(
        index_elements=["contact_id", "number_id"], set_={"last_message_at": later}
    )
    conversation_id: int = session.execute(statement.returning(_CONVERSATION.c.id)).scalar_one()
    return conversation_id


def answered_in_the_app(session: Session, last_words: Mapping[int, datetime]) -> Collection[int]:
    """The contacts whom the phone app answered at or after these times, which are Meta's, by conversation id."""
    if not last_words:
        return ()
    rows = session.execute(
        select(Conversation.id, Conversation.contact_id, func.max(Message.at).label("at"))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.conversation_id.in_(sorted(last_words)),
            Message.at >= min(last_words.values()),
            Message.author == PHONE_APP_AUTHOR,
            Message.type.not_in(ABOUT_THE_CHAT),
        )
        .group_by(Conversation.id, Conversation.contact_id)
    )
    return {row.contact_id for row in rows if row.at >= last_words[row.id]}


def _sent_by_campaigns(session: Session, wamids: Sequence[str]) -> set[str]:
    tables = (Recipient, RecipientTry)
    return {
        wamid
        for table in tables
        for wamid in session.scalars(select(table.wamid).where(table.wamid.in_(wamids)))
        if wamid
    }


def _receiver(receiver: Sender, portfolio_id: int, at: datetime) -> Identity:
    """Whom an echo was written to. Its number is the one that was dialled, which is not always the person's wa_id."""
    phone = phone_of_wa_id(receiver.wa_id) if receiver.wa_id else None
    shown = identity(receiver, portfolio_id, at)
    return shown if phone is None else replace(shown, wa_id=None, phone=phone.e164)


def _insert(session: Session, echo: Echo, conversation_id: int) -> bool:
    """Insert the message as accepted by Meta. False if another consumer stored it meanwhile."""
    message = echo.message
    row = {
        "conversation_id": conversation_id,
        "direction": Direction.OUT,
        "state": MessageState.ACCEPTED,
        "type": message.type,
        "body": message.text,
        "payload": message.payload,
        "at": message.at,
        "accepted_at": message.at,
        "wamid": message.wamid,
        "context_wamid": message.context_wamid,
        "author": echo.author,
        "attempts": 0,
    }
    statement = insert_into(session, _MESSAGE).values(row).on_conflict_do_nothing(index_elements=["wamid"])
    return session.execute(statement.returning(_MESSAGE.c.id)).first() is not None


def _take(session: Session, contact_id: int, number_id: int, at: datetime, now: datetime) -> None:
    """Let the phone app have the person's case, as an agent who answered has it, and stop the bot that talks with them.

    An open case keeps its agent. What happened after the echo's time stays: a case that was closed since then, and a message that
    the person wrote, for which they wait.
    """
    closed_later = select(Case.id).where(Case.contact_id == contact_id, Case.closed_at > at).limit(1)
    if session.scalar(closed_later) is not None:
        return
    opened = open_case(
        session, contact_id, now, opened_by=PHONE_APP_AUTHOR, number_id=number_id, agent=PHONE_APP_AUTHOR
    )
    if opened.is_new:
        record_audit(
            session, now, META, AuditAction.OPEN, "case", opened.id, contact=contact_id, agent=PHONE_APP_AUTHOR
        )
    drop_bot_messages(session, conversations_of(session, contact_id), TAKEN_OVER(), now)
    if _has_written_since(session, contact_id, at):
        await_agents(session, [contact_id])
    else:
        keep_attended(session, contact_id, PHONE_APP_AUTHOR)


def _has_written_since(session: Session, contact_id: int, at: datetime) -> bool:
    newest = session.scalar(
        select(func.max(Message.at)).where(
            Message.conversation_id.in_(conversations_of(session, contact_id)),
            Message.direction == Direction.IN,
            Message.type.not_in(ABOUT_THE_CHAT),
            or_(Message.route.is_(None), Message.route != STANDBY),
        )
    )
    return newest is not None and newest > at
