"""Reads what was said about messages of a chat, which is shown at them: reactions, edits and deletions (docs/meta.md §7.6)."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from models.tables.conversation import Conversation, Direction, Message
from models.tables.recipient import Recipient

REACTION = "reaction"
REMARKS = (REACTION, "edit", "revoke")
"""Types of messages that say something about another one."""


class Reaction(NamedTuple):
    """An emoji under a message; `is_ours` if the business reacted."""

    emoji: str
    is_ours: bool


def is_shown_at_another() -> ColumnElement[bool]:
    """Whether a row of `message` is a remark about a message that is stored, so that it needs no line of its own.

    An edit or a deletion concerns only the messages of its own side.
    """
    target = aliased(Message)
    is_target = and_(target.wamid == Message.context_wamid, target.conversation_id == Message.conversation_id)
    is_campaigns = (Recipient.wamid == Message.context_wamid, Recipient.contact_id == Conversation.contact_id)
    return or_(
        and_(Message.type.in_(REMARKS), exists().where(is_target, target.direction == Message.direction)),
        and_(
            Message.type == REACTION,
            or_(exists().where(is_target), exists().where(Conversation.id == Message.conversation_id, *is_campaigns)),
        ),
    )


def reactions_to(session: Session, conversation_id: int, wamids: Collection[str]) -> dict[str, list[Reaction]]:
    """The reactions by the wamid of their message: the newest of the person and the newest of ours, unless it was taken back."""
    if not wamids:
        return {}
    rows = session.execute(
        select(Message.context_wamid, Message.direction, Message.body)
        .where(Message.conversation_id == conversation_id, Message.type == REACTION, Message.context_wamid.in_(wamids))
        .order_by(Message.at, Message.id)
    )
    newest = {(row.context_wamid, row.direction): row.body for row in rows}
    reactions: dict[str, list[Reaction]] = {}
    for (wamid, direction), emoji in newest.items():
        if emoji:
            reactions.setdefault(wamid, []).append(Reaction(emoji, direction is Direction.OUT))
    return reactions
