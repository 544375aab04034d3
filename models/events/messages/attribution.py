"""Which recipient a person's message answers: by what it refers to, else by what this person was sent last."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from models.events.types import ABOUT_THE_CHAT, InboundMessage
from models.tables.campaign import Campaign
from models.tables.conversation import Direction, Message
from models.tables.engagement import Engagement
from models.tables.recipient import WRITTEN_TO, Recipient

WITHIN = timedelta(days=7)
"""A message that refers to nothing answers what its sender got from the same number at most this long ago."""
SLACK = timedelta(minutes=1)  # our clock and Meta's, and a message that is read before its sending was recorded


class AttributedReply(NamedTuple):
    """A new message, and between whom."""

    message: InboundMessage
    contact_id: int
    number_id: int


def attribute_replies(session: Session, written: Sequence[AttributedReply], installation: str) -> dict[str, int]:
    """wamid → recipient id. What somebody refers to must be theirs."""
    pressed = {
        item.message.wamid: item.message.pressed.recipient_id
        for item in written
        if item.message.pressed is not None and item.message.pressed.installation == installation
    }
    referred = _referred(session, [item.message.context_wamid for item in written if item.message.context_wamid])
    owners = _owners(session, {*pressed.values(), *referred.values()})
    found: dict[str, int] = {}
    for item in written:
        named = (referred.get(item.message.context_wamid or ""), pressed.get(item.message.wamid))
        for recipient_id in named:
            if recipient_id is not None and owners.get(recipient_id) == item.contact_id:
                found.setdefault(item.message.wamid, recipient_id)
    rest = [item for item in written if item.message.wamid not in found and item.message.type not in ABOUT_THE_CHAT]
    return found | _latest(session, rest)


def mark_replied(session: Session, replied: Mapping[int, datetime]) -> None:
    """Recipient → the time of their reply; the earliest stays."""
    if replied:
        values, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, sorted(replied.items()))
        statement = (
            f"WITH {values} UPDATE recipient AS r SET replied_at = v.at FROM v "  # noqa: S608 - no value is in the text
            "WHERE r.id = v.id AND (r.replied_at IS NULL OR v.at < r.replied_at)"
        )
        session.execute(text(statement), parameters)


def _referred(session: Session, wamids: Sequence[str]) -> dict[str, int]:
    """Quoted message → recipient: a campaign's message, or one of the chat that followed it."""
    if not wamids:
        return {}
    chat = select(Message.wamid, Message.recipient_id).where(
        Message.wamid.in_(wamids), Message.direction == Direction.OUT, Message.recipient_id.is_not(None)
    )
    sent = select(Recipient.wamid, Recipient.id).where(Recipient.wamid.in_(wamids))
    found: dict[str, int] = {}
    for query in (chat, sent):
        found |= {wamid: recipient_id for wamid, recipient_id in session.execute(query) if wamid and recipient_id}
    return found


def _owners(session: Session, ids: set[int]) -> dict[int, int]:
    if not ids:
        return {}
    rows = session.execute(select(Recipient.id, Recipient.contact_id).where(Recipient.id.in_(ids)))
    return {row.id: row.contact_id for row in rows}


def _latest(session: Session, written: Sequence[AttributedReply]) -> dict[str, int]:
    """The person's engagement's, else what was sent to them last from the same number."""
    if not written:
        return {}
    sent = _sent_to(session, {item.contact_id for item in written})
    found: dict[str, int] = {}
    for item in written:
        candidates = [
            row for row in sent.get((item.contact_id, item.number_id), ()) if _may_answer(row, item.message.at)
        ]
        if candidates:
            best = max(candidates, key=lambda row: (row.is_engaged, row.sent_at, row.id))
            found[item.message.wamid] = best.id
    return found


def _may_answer(row: Any, at: datetime) -> bool:
    if row.sent_at is None or row.sent_at > at + SLACK:
        return False
    return bool(row.is_engaged) or row.sent_at >= at - WITHIN


def _sent_to(session: Session, contact_ids: Iterable[int]) -> dict[tuple[int, int], list[Any]]:
    rows = session.execute(
        select(
            Recipient.id,
            Recipient.contact_id,
            Campaign.number_id,
            func.coalesce(Recipient.accepted_at, Recipient.unsure_at, Recipient.claimed_at).label("sent_at"),
            Engagement.person_key.is_not(None).label("is_engaged"),
        )
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .outerjoin(
            Engagement,
            (Engagement.campaign_id == Recipient.campaign_id) & (Engagement.person_key == Recipient.person_key),
        )
        .where(Recipient.contact_id.in_(sorted(contact_ids)), or_(*(Recipient.state == state for state in WRITTEN_TO)))
    )
    found: dict[tuple[int, int], list[Any]] = {}
    for row in rows:
        found.setdefault((row.contact_id, row.number_id), []).append(row)
    return found
