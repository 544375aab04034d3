"""Which campaign a person's message belongs to: the one rule, applied once, when the message is stored.

1. What the message refers to: a pressed button of a campaign's message, or a quoted message of ours that a campaign sent or that
   a bot sent for one.
2. Else the person's engagement: the active campaign that holds them, if it uses the number written to and its message has left.
3. Else what this number sent them last, at most `WITHIN` ago.

The answer is kept on the message (`Message.recipient_id`). Statistics count it; routing reads the same and asks only whether the
campaign's flow may still take the person (bot.router).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from models.events.types import ABOUT_THE_CHAT, InboundMessage
from models.tables.campaign import Campaign, CampaignStatus
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


class Attribution(NamedTuple):
    """The recipient whose campaign a message belongs to, and whether the message itself says so (step 1 above)."""

    recipient_id: int
    is_reference: bool


def attribute_replies(
    session: Session, written: Sequence[AttributedReply], installation: str
) -> dict[str, Attribution]:
    """By wamid; what belongs to no campaign is left out. A button or a quote of somebody else's message refers to nothing.

    A message about the chat (`ABOUT_THE_CHAT`) belongs to a campaign only where it refers to one.
    """
    found = _referenced(session, written, installation)
    rest = [item for item in written if item.message.wamid not in found and item.message.type not in ABOUT_THE_CHAT]
    return found | _without_reference(session, rest)


def mark_replied(session: Session, replied: Mapping[int, datetime]) -> None:
    """Recipient → the time of their reply; the earliest stays."""
    if replied:
        values, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, sorted(replied.items()))
        statement = (
            f"WITH {values} UPDATE recipient AS r SET replied_at = v.at FROM v "  # noqa: S608 - no value is in the text
            "WHERE r.id = v.id AND (r.replied_at IS NULL OR v.at < r.replied_at)"
        )
        session.execute(text(statement), parameters)


def _referenced(session: Session, written: Sequence[AttributedReply], installation: str) -> dict[str, Attribution]:
    pressed = {
        item.message.wamid: item.message.pressed.recipient_id
        for item in written
        if item.message.pressed is not None and item.message.pressed.installation == installation
    }
    quoted = _quoted(session, [item.message.context_wamid for item in written if item.message.context_wamid])
    owners = _owners(session, {*pressed.values(), *quoted.values()})
    found: dict[str, Attribution] = {}
    for item in written:
        for recipient_id in (pressed.get(item.message.wamid), quoted.get(item.message.context_wamid or "")):
            if recipient_id is not None and owners.get(recipient_id) == item.contact_id:
                found.setdefault(item.message.wamid, Attribution(recipient_id, is_reference=True))
    return found


def _quoted(session: Session, wamids: Sequence[str]) -> dict[str, int]:
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


def _without_reference(session: Session, written: Sequence[AttributedReply]) -> dict[str, Attribution]:
    if not written:
        return {}
    sent = _sent_to(session, {item.contact_id for item in written})
    found: dict[str, Attribution] = {}
    for item in written:
        candidates = [
            row for row in sent.get((item.contact_id, item.number_id), ()) if _may_answer(row, item.message.at)
        ]
        if candidates:
            best = max(candidates, key=lambda row: (row.is_engaged, row.sent_at, row.id))
            found[item.message.wamid] = Attribution(best.id, is_reference=False)
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
            # The locks of a campaign that ended are removed in slices, a little later.
            and_(Engagement.person_key.is_not(None), Campaign.status != CampaignStatus.ENDED).label("is_engaged"),
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
