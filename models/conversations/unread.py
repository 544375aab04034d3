"""Keeps which conversations have replies that nothing took: agents read them in the inbox. They are no cases."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select, text, union
from sqlalchemy.orm import Session

from models.conversations.possible_opt_outs import marked_conversations
from models.db.bulk import values_cte
from models.db.dialect import NO_SYNC
from models.tables.conversation import Conversation, UnreadReply


def mark_unread(session: Session, conversation_ids: Iterable[int], now: datetime) -> None:
    """Mark that each has a reply to be read. Those whose contact has an open case are left out: an agent sees them anyway."""
    rows = [(conversation_id, now) for conversation_id in sorted(set(conversation_ids))]
    if not rows:
        return
    values, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, rows)
    statement = (
        f"WITH {values} INSERT INTO unread_reply (conversation_id, since, latest_at) "  # noqa: S608 - no value is in the text
        "SELECT v.id, v.at, v.at FROM v JOIN conversation AS c ON c.id = v.id WHERE NOT EXISTS "
        '(SELECT 1 FROM "case" AS k WHERE k.contact_id = c.contact_id AND k.closed_at IS NULL) ORDER BY v.id '
        "ON CONFLICT (conversation_id) DO UPDATE SET latest_at = excluded.latest_at"
    )
    session.execute(text(statement), parameters)


def clear_unread(session: Session, contact_id: int) -> None:
    """Mark everything that this contact wrote as read: an agent took it up."""
    conversation_ids = select(Conversation.id).where(Conversation.contact_id == contact_id)
    session.execute(
        delete(UnreadReply).where(UnreadReply.conversation_id.in_(conversation_ids)), execution_options=NO_SYNC
    )


def mark_read(session: Session, conversation_id: int, until: datetime) -> bool:
    """Mark as read what came up to `until`. False if nothing is unread or if more came since."""
    read_ids = session.execute(
        delete(UnreadReply)
        .where(UnreadReply.conversation_id == conversation_id, UnreadReply.latest_at <= until)
        .returning(UnreadReply.conversation_id),
        execution_options=NO_SYNC,
    )
    return read_ids.first() is not None


def count_unread(session: Session) -> int:
    """How many conversations have replies to be read, those included whose person may want to stop."""
    ids = union(select(UnreadReply.conversation_id), marked_conversations()).subquery()
    return session.scalar(select(func.count()).select_from(ids)) or 0
