"""Storing what people write: the message once, its window, the reply, and a STOP before anything else.

Everything of a batch happens in the caller's transaction, in a few statements each; only who is new costs more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, or_, select, text
from sqlalchemy.orm import Session

from models.contacts.consent import opt_in, opt_out
from models.db.bulk import values_cte
from models.db.dialect import insert_into
from models.events.messages.attribution import AttributedReply, Attribution, attribute_replies, mark_replied
from models.events.messages.double_opt_in import confirm_pending
from models.events.messages.edits import apply_edits
from models.events.messages.senders import resolve_senders
from models.events.types import ABOUT_THE_CHAT, NOT_FOR_BOTS, InboundMessage
from models.tables.conversation import (
    REFERS,
    Conversation,
    Direction,
    Message,
    MessageState,
    PurgedWamid,
    wamid_hash,
)
from models.tables.number import Number, Waba

CHUNK = 500
# Plain tables: many rows then travel in few statements that are compiled once.
_CONVERSATION, _MESSAGE = Conversation.__table__, Message.__table__


@dataclass(slots=True)
class InboundResult:
    """What became of a batch."""

    stored: int = 0
    repeated: int = 0
    strangers: int = 0
    """To numbers that are not ours."""
    conversations: list[int] = field(default_factory=list)
    """Those in which something waits for an answer."""


def store_inbound(
    session: Session, messages: Sequence[InboundMessage], now: datetime, installation: str
) -> InboundResult:
    """Store a batch, in the order of Meta's time."""
    result = InboundResult()
    numbers = _numbers(session, {message.phone_number_id for message in messages})
    given = list({message.wamid: message for message in messages if message.phone_number_id in numbers}.values())
    result.strangers = sum(message.phone_number_id not in numbers for message in messages)
    known = _known_wamids(session, [message.wamid for message in given])
    fresh = sorted((item for item in given if item.wamid not in known), key=lambda item: (item.at, item.wamid))
    result.repeated = len(given) - len(fresh)
    if not fresh:
        return result
    contacts = resolve_senders(session, fresh, [numbers[message.phone_number_id][1] for message in fresh], now)
    written = [AttributedReply(item, contacts[item.wamid], numbers[item.phone_number_id][0]) for item in fresh]
    conversations = _open_conversations(session, written, now)
    targets = attribute_replies(session, written, installation)
    inserted = _insert(session, written, conversations, targets, now)
    written = [item for item in written if item.message.wamid in inserted]
    result.repeated += len(fresh) - len(written)
    result.stored = len(written)
    _apply_opt_outs(session, written)
    confirm_pending(session, written)
    mark_replied(session, _replies(written, targets))
    _remember_contacts(session, written)
    apply_edits(session, written, conversations)
    waiting = {conversations[item.contact_id, item.number_id] for item in written if _asks(item.message)}
    result.conversations = sorted(waiting)
    return result


def _asks(message: InboundMessage) -> bool:
    return message.type not in NOT_FOR_BOTS


def _numbers(session: Session, phone_number_ids: set[str]) -> dict[str, tuple[int, int]]:
    """phone_number_id → our number and its portfolio."""
    rows = session.execute(
        select(Number.phone_number_id, Number.id, Waba.portfolio_id)
        .join(Waba, Waba.id == Number.waba_id)
        .where(Number.phone_number_id.in_(phone_number_ids))
    )
    return {row.phone_number_id: (row.id, row.portfolio_id) for row in rows}


def _known_wamids(session: Session, wamids: Sequence[str]) -> set[str]:
    """Of these: stored ones, and purged ones that Meta may still repeat."""
    known: set[str] = set()
    for begin in range(0, len(wamids), CHUNK):
        some = wamids[begin : begin + CHUNK]
        known.update(found for found in session.scalars(select(Message.wamid).where(Message.wamid.in_(some))) if found)
        hashes = {wamid_hash(wamid): wamid for wamid in some}
        purged = session.scalars(select(PurgedWamid.hash).where(PurgedWamid.hash.in_(list(hashes))))
        known.update(hashes[found] for found in purged)
    return known


def _open_conversations(
    session: Session, written: Sequence[AttributedReply], now: datetime
) -> dict[tuple[int, int], int]:
    """(contact, number) → conversation, made where there is none; what a person says opens its window, by Meta's time."""
    told: dict[tuple[int, int], tuple[datetime | None, datetime]] = {}
    for item in written:  # in the order of time
        at = item.message.at
        pair = (item.contact_id, item.number_id)
        opened = at if item.message.type not in ABOUT_THE_CHAT else told.get(pair, (None, at))[0]
        told[pair] = (opened, at)
    rows = [
        {
            "contact_id": pair[0],
            "number_id": pair[1],
            "last_inbound_at": opened,
            "last_message_at": last,
            "created_at": now,
        }
        for pair, (opened, last) in sorted(told.items())
    ]
    statement = insert_into(session, _CONVERSATION)
    later = {name: _later(name, statement.excluded) for name in ("last_inbound_at", "last_message_at")}
    statement = statement.on_conflict_do_update(index_elements=["contact_id", "number_id"], set_=later)
    statement = statement.returning(_CONVERSATION.c.id, _CONVERSATION.c.contact_id, _CONVERSATION.c.number_id)
    return {(row.contact_id, row.number_id): row.id for row in session.execute(statement, rows)}


def _later(name: str, told: Any) -> Any:
    known, new = _CONVERSATION.c[name], told[name]
    return case((or_(known.is_(None), new > known), new), else_=known)


def _insert(
    session: Session,
    written: Sequence[AttributedReply],
    conversations: dict[tuple[int, int], int],
    targets: dict[str, Attribution],
    now: datetime,
) -> set[str]:
    """The wamids that were really new: another consumer may hold the same ones."""
    rows = [
        {
            "conversation_id": conversations[item.contact_id, item.number_id],
            "direction": Direction.IN,
            "state": MessageState.RECEIVED,
            "type": item.message.type,
            "body": item.message.text,
            "payload": item.message.payload,
            "at": item.message.at,
            "wamid": item.message.wamid,
            "context_wamid": item.message.context_wamid,
            "button_payload": item.message.button_payload,
            "recipient_id": target.recipient_id if target else None,
            "route": REFERS if target and target.is_reference and _asks(item.message) else None,
            "handled_at": None if _asks(item.message) else now,
            "attempts": 0,
        }
        for item, target in ((item, targets.get(item.message.wamid)) for item in written)
    ]
    statement = insert_into(session, _MESSAGE).on_conflict_do_nothing(index_elements=["wamid"])
    return set(session.scalars(statement.returning(_MESSAGE.c.wamid), rows))


def _apply_opt_outs(session: Session, written: Sequence[AttributedReply]) -> None:
    """STOP and START, each at its own time."""
    for item in written:
        message = item.message
        if message.word is not None:
            change = opt_out if message.word == "stop" else opt_in
            change(session, item.contact_id, message.at, f"whatsapp {message.word} word", f"message {message.wamid}")


def _replies(written: Sequence[AttributedReply], targets: dict[str, Attribution]) -> dict[int, datetime]:
    replied: dict[int, datetime] = {}
    for item in written:  # in the order of time
        target = targets.get(item.message.wamid)
        if target is not None and item.message.type not in ABOUT_THE_CHAT:
            replied.setdefault(target.recipient_id, item.message.at)
    return replied


def _remember_contacts(session: Session, written: Sequence[AttributedReply]) -> None:
    """When each last wrote; whoever writes is on WhatsApp."""
    last: dict[int, datetime] = {}
    for item in written:
        if item.message.type != "system":  # WhatsApp said that, not the person
            last[item.contact_id] = item.message.at
    if last:
        values, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, sorted(last.items()))
        statement = (
            f"WITH {values} UPDATE contact AS c SET undeliverable_count = 0, "  # noqa: S608 - no value is in the text
            "last_inbound_at = CASE WHEN c.last_inbound_at IS NULL OR v.at > c.last_inbound_at "
            "THEN v.at ELSE c.last_inbound_at END FROM v WHERE c.id = v.id"
        )
        session.execute(text(statement), parameters)
