"""Applies edits and revocations (docs/meta.md §7.6) to stored messages, in whatever order they arrive."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from models.events.messages.attribution import AttributedReply
from models.tables.conversation import Direction, Message

EDIT, REVOKE = "edit", "revoke"
REVOKED: dict[str, Any] = {"revoked": True}


def apply_edits(
    session: Session,
    replies: Sequence[AttributedReply],
    conversations: dict[tuple[int, int], int],
    direction: Direction = Direction.IN,
) -> None:
    """Apply the edits of messages that were just stored, and the edits that were stored before their message.

    `conversations` is the conversation id by (contact id, number id). A person can change only their own messages of the same
    conversation, and we only ours: `direction` is theirs or ours.
    """
    targets: dict[int, set[str]] = {}
    for item in replies:
        message = item.message
        target = message.context_wamid if message.type in {EDIT, REVOKE} else message.wamid
        if target:
            targets.setdefault(conversations[item.contact_id, item.number_id], set()).add(target)
    if not targets:
        return
    wamids = set().union(*targets.values())
    changes = session.execute(
        select(Message.conversation_id, Message.context_wamid, Message.type, Message.body, Message.payload)
        .where(
            Message.conversation_id.in_(sorted(targets)),
            or_(Message.type == EDIT, Message.type == REVOKE),
            Message.context_wamid.in_(wamids),
            Message.direction == direction,
        )
        # The last edit counts, and a revocation beats every edit.
        .order_by((Message.type == REVOKE), Message.at, Message.id)
    ).all()
    for change in changes:
        _apply(session, direction, *change)


def _apply(
    session: Session,
    direction: Direction,
    conversation_id: int,
    target: str,
    kind: str,
    body: str | None,
    payload: dict[str, Any] | None,
) -> None:
    is_own = (Message.conversation_id == conversation_id, Message.direction == direction)
    if kind == REVOKE:
        is_target = or_(Message.wamid == target, (Message.context_wamid == target) & (Message.type == EDIT))
        values: dict[str, Any] = {"body": None, "payload": REVOKED}
    else:
        is_target = Message.wamid == target
        inner = ((payload or {}).get(EDIT) or {}).get("message") if not (payload or {}).get("revoked") else None
        values = {"body": body, "payload": inner | {"edited": True}} if isinstance(inner, dict) else {}
    if values:
        session.execute(
            update(Message).where(*is_own, is_target).values(values).execution_options(synchronize_session=False)
        )
