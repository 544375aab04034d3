"""Writing into a chat: what bots and agents say is queued here, inside the 24 h window; models.conversations.outbox sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from models.conversations.cases import close_case
from models.errors import OperatorError
from models.stored_texts import WINDOW_CLOSED
from models.tables.conversation import WINDOW, Conversation, Direction, Message, MessageState
from models.tables.flow import Flow

BOT = "bot"
MAX_TEXT = 4096  # characters of a text message: docs/meta.md §2.5


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to queue: `content` is the Graph body without its envelope."""

    conversation_id: int
    content: Mapping[str, Any]
    author: str = BOT
    session_id: int | None = None
    recipient_id: int | None = None


def queue_messages(session: Session, messages: Sequence[NewMessage], now: datetime) -> list[int]:
    """Queue in the given order; returns their ids in that order."""
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
    added = session.scalars(insert(Message).returning(Message.id, sort_by_parameter_order=True), rows).all()
    _touch(session, sorted({new.conversation_id for new in messages}), now)
    return list(added)


def agent_message(session: Session, conversation_id: int, text: str, author: str, now: datetime) -> int:
    """Queue an agent's answer. Refused with one line where it is empty, too long, or outside the 24 h window."""
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise OperatorError(
            "message: it has {count} characters; allowed are 1 to {max_text}", count=len(text), max_text=MAX_TEXT
        )
    _writable(session, conversation_id, now)
    content = {"type": "text", "text": {"body": text, "preview_url": "://" in text}}
    return queue_messages(session, [NewMessage(conversation_id, content, author=author)], now)[0]


def queue_flow_start(session: Session, conversation_id: int, flow_id: int, now: datetime, actor: str = "agent") -> None:
    """Let a bot flow take over with the next answer job; an open case is closed, since no bot speaks while one is open."""
    if session.scalar(select(Flow.id).where(Flow.id == flow_id)) is None:
        raise OperatorError("flow {flow_id}: there is no such bot flow", flow_id=flow_id)
    contact_id = _writable(session, conversation_id, now)
    close_case(session, contact_id, now, closed_by=actor)
    session.execute(update(Conversation).where(Conversation.id == conversation_id).values(handed_flow_id=flow_id))


def is_window_open(last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether anything but a template may be sent."""
    return last_inbound_at is not None and now - last_inbound_at < WINDOW


def message_text(content: Mapping[str, Any]) -> str | None:
    """What a person reads of a Graph body: its text, or its caption."""
    kind = content.get("type")
    part = content.get(kind) if isinstance(kind, str) else None
    if not isinstance(part, Mapping):
        return None
    body = part.get("body")
    found = body.get("text") if isinstance(body, Mapping) else body or part.get("caption")
    return found if isinstance(found, str) else None


def _writable(session: Session, conversation_id: int, now: datetime) -> int:
    """The contact's id. Refused where the conversation does not exist or its window is shut."""
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
