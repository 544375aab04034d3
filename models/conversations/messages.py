"""Queues the messages of bots and agents, inside the 24 h service window; `models.conversations.outbox` claims them for sending."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from models.conversations.cases import close_case
from models.conversations.unread import clear_unread
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.stored_texts import WINDOW_CLOSED
from models.tables.conversation import WINDOW, Conversation, Direction, Message, MessageState
from models.tables.flow import Flow
from models.text import Text

BOT = "bot"
MAX_TEXT = 4096  # characters of a text message: docs/meta.md §2.5


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to queue. `content` is the Graph body without its envelope (docs/meta.md §2.1)."""

    conversation_id: int
    content: Mapping[str, Any]
    author: str = BOT
    session_id: int | None = None
    recipient_id: int | None = None


def queue_messages(session: Session, messages: Sequence[NewMessage], now: datetime) -> list[int]:
    """Queue the messages in the given order; returns their ids in that order."""
    if not messages:
        return []
    rows = [
        {
            "conversation_id": new.conversation_id,
            "direction": Direction.OUT,
            "state": MessageState.QUEUED,
            "type": str(new.content.get("type", "text")),
            "body": message_text(new.content),
            "payload": dict(new.content),
            "at": now,
            "due_at": now,
            "author": new.author,
            "session_id": new.session_id,
            "recipient_id": new.recipient_id,
        }
        for new in messages
    ]
    message_ids = session.scalars(insert(Message).returning(Message.id, sort_by_parameter_order=True), rows).all()
    _touch(session, sorted({new.conversation_id for new in messages}), now)
    return list(message_ids)


def agent_message(session: Session, conversation_id: int, text: str, author: str, now: datetime) -> int:
    """Queue an agent's answer; returns the message's id.

    Raises OperatorError if the text is empty or too long, if the conversation does not exist, or if its 24 h window is closed.
    """
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise OperatorError(
            "message: it has {count} characters; allowed are 1 to {max_text}", count=len(text), max_text=MAX_TEXT
        )
    _require_open_window(session, conversation_id, now)
    content = {"type": "text", "text": {"body": text, "preview_url": "://" in text}}
    return queue_messages(session, [NewMessage(conversation_id, content, author=author)], now)[0]


def conversations_of(session: Session, contact_id: int) -> list[int]:
    """The ids of the contact's conversations, one for each number that they have to do with."""
    return list(session.scalars(select(Conversation.id).where(Conversation.contact_id == contact_id)))


def drop_bot_messages(session: Session, conversation_ids: Iterable[int], why: Text, now: datetime) -> None:
    """Turn what bots have queued in these conversations into `not_sent`. A message that is being sent stays."""
    session.execute(
        update(Message)
        .where(
            Message.conversation_id.in_(list(conversation_ids)),
            Message.state == MessageState.QUEUED,
            Message.author == BOT,
        )
        .values(state=MessageState.NOT_SENT, error_msg=why.stored(), failed_at=now),
        execution_options=NO_SYNC,
    )


def queue_flow_start(session: Session, conversation_id: int, flow_id: int, now: datetime, actor: str = "agent") -> None:
    """Hand the conversation over to a bot flow, which the next reply job starts.

    An open case is closed: no bot answers while one is open. Raises OperatorError if flow or conversation does not exist, or if
    the conversation's 24 h window is closed.
    """
    if session.scalar(select(Flow.id).where(Flow.id == flow_id)) is None:
        raise OperatorError("flow {flow_id}: there is no such bot flow", flow_id=flow_id)
    contact_id = _require_open_window(session, conversation_id, now)
    close_case(session, contact_id, now, closed_by=actor)
    clear_unread(session, contact_id)
    session.execute(update(Conversation).where(Conversation.id == conversation_id).values(handed_flow_id=flow_id))


def is_window_open(last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether the 24 h service window is open, in which other messages than templates may be sent."""
    return last_inbound_at is not None and now - last_inbound_at < WINDOW


def message_text(content: Mapping[str, Any]) -> str | None:
    """The text or caption of a Graph body; None if it has none."""
    kind = content.get("type")
    part = content.get(kind) if isinstance(kind, str) else None
    if not isinstance(part, Mapping):
        return None
    body = part.get("body")
    text = body.get("text") if isinstance(body, Mapping) else body or part.get("caption")
    return text if isinstance(text, str) else None


def _require_open_window(session: Session, conversation_id: int, now: datetime) -> int:
    """The contact's id. Raises OperatorError if the conversation does not exist or its 24 h window is closed."""
    row = session.execute(
        select(Conversation.contact_id, Conversation.last_inbound_at).where(Conversation.id == conversation_id)
    ).first()
    if row is None:
        raise OperatorError(
            "conversation {conversation_id}: there is no such conversation", conversation_id=conversation_id
        )
    if not is_window_open(row.last_inbound_at, now):
        raise OperatorError(
            "conversation {conversation_id}: {window_closed}",
            conversation_id=conversation_id,
            window_closed=WINDOW_CLOSED(),
        )
    return int(row.contact_id)


def _touch(session: Session, conversation_ids: Sequence[int], now: datetime) -> None:
    session.execute(
        update(Conversation)
        .where(
            Conversation.id.in_(conversation_ids),
            or_(Conversation.last_message_at.is_(None), Conversation.last_message_at < now),
        )
        .values(last_message_at=now)
        .execution_options(synchronize_session=False)
    )
