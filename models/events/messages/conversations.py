"""Opens the conversations of a batch of messages, and their 24 h windows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, or_
from sqlalchemy.orm import Session

from models.db.dialect import insert_into
from models.events.messages.attribution import AttributedReply
from models.events.types import ABOUT_THE_CHAT
from models.tables.conversation import Conversation

_CONVERSATION = Conversation.__table__


def open_conversations(
    session: Session, replies: Sequence[AttributedReply], now: datetime
) -> dict[tuple[int, int], int]:
    """The conversation id by (contact id, number id), created where missing. A person's message opens its window at Meta's time."""
    times: dict[tuple[int, int], tuple[datetime | None, datetime]] = {}
    for item in replies:  # in the order of time
        at = item.message.at
        pair = (item.contact_id, item.number_id)
        opened = at if item.message.type not in ABOUT_THE_CHAT else times.get(pair, (None, at))[0]
        times[pair] = (opened, at)
    rows = [
        {
            "contact_id": pair[0],
            "number_id": pair[1],
            "last_inbound_at": opened,
            "last_message_at": last,
            "created_at": now,
        }
        for pair, (opened, last) in sorted(times.items())
    ]
    statement = insert_into(session, _CONVERSATION)
    later = {name: _later(name, statement.excluded) for name in ("last_inbound_at", "last_message_at")}
    statement = statement.on_conflict_do_update(index_elements=["contact_id", "number_id"], set_=later)
    statement = statement.returning(_CONVERSATION.c.id, _CONVERSATION.c.contact_id, _CONVERSATION.c.number_id)
    return {(row.contact_id, row.number_id): row.id for row in session.execute(statement, rows)}


def _later(name: str, excluded: Any) -> Any:
    current, new = _CONVERSATION.c[name], excluded[name]
    return case((or_(current.is_(None), new > current), new), else_=current)
