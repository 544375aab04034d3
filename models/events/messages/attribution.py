"""Attributes each inbound message to a campaign, once, when the message is stored. The first rule that applies counts:

1. The message refers to a campaign: it is a pressed button of the campaign's message, or quotes a message that the campaign, or
   a bot for it, sent.
2. The person is engaged by a campaign that has not ended, uses the number written to, and has sent its message.
3. A campaign sent the person a message from this number at most `WITHIN` ago; the latest one counts.

The result is stored on the message (`Message.recipient_id`). Statistics count it; routing reads it and decides only whether the
campaign's flow may still answer (bot.router).
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
from models.tables.recipient_try import RecipientTry

WITHIN = timedelta(days=7)
"""A message without a reference is attributed to a campaign's message of the same number that is at most this old."""
SLACK = timedelta(minutes=1)  # our clock differs from Meta's, and a reply may come before the send is recorded


class AttributedReply(NamedTuple):
    """A new message, with the contact that wrote it and the number that it was written to."""

    message: InboundMessage
    contact_id: int
    number_id: int


class Attribution(NamedTuple):
    """The recipient whose campaign a message belongs to. `is_reference`: by rule 1 above."""

    recipient_id: int
    is_reference: bool


def attribute_replies(
    session: Session, replies: Sequence[AttributedReply], installation: str
) -> dict[str, Attribution]:
    """The attributions by wamid. A message that belongs to no campaign is absent.

    A button or quote of another person's message does not count. A message about the chat (`ABOUT_THE_CHAT`) is attributed by
    rule 1 only.
    """
    attributions = _referenced(session, replies, installation)
    rest = [
        item for item in replies if item.message.wamid not in attributions and item.message.type not in ABOUT_THE_CHAT
    ]
    return attributions | _without_reference(session, rest)


def attribute_moment(session: Session, contact_id: int, number_id: int, at: datetime) -> int | None:
    """The recipient whose campaign a person answers who does something at `at` without a message of theirs: by rules 2 and 3."""
    rows = _sent_to(session, [contact_id]).get((contact_id, number_id), ())
    best = _latest([row for row in rows if _may_answer(row, at)])
    return None if best is None else int(best.id)


def mark_replied(session: Session, replied: Mapping[int, datetime]) -> None:
    """Store the time of reply by recipient id. An earlier stored time stays."""
    if replied:
        values, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, sorted(replied.items()))
        statement = (
            f"WITH {values} UPDATE recipient AS r SET replied_at = v.at FROM v "  # noqa: S608 - no value is in the text
            "WHERE r.id = v.id AND (r.replied_at IS NULL OR v.at < r.replied_at)"
        )
        session.execute(text(statement), parameters)


def _referenced(session: Session, replies: Sequence[AttributedReply], installation: str) -> dict[str, Attribution]:
    pressed = {
        item.message.wamid: item.message.pressed.recipient_id
        for item in replies
        if item.message.pressed is not None and item.message.pressed.installation == installation
    }
    quoted = _quoted(session, [item.message.context_wamid for item in replies if item.message.context_wamid])
    owners = _owners(session, {*pressed.values(), *quoted.values()})
    attributions: dict[str, Attribution] = {}
    for item in replies:
        for recipient_id in (pressed.get(item.message.wamid), quoted.get(item.message.context_wamid or "")):
            if recipient_id is not None and owners.get(recipient_id) == item.contact_id:
                attributions.setdefault(item.message.wamid, Attribution(recipient_id, is_reference=True))
    return attributions


def _quoted(session: Session, wamids: Sequence[str]) -> dict[str, int]:
    """The recipient id by quoted wamid: of a campaign's message, or of a bot's message for that campaign."""
    if not wamids:
        return {}
    chat = select(Message.wamid, Message.recipient_id).where(
        Message.wamid.in_(wamids), Message.direction == Direction.OUT, Message.recipient_id.is_not(None)
    )
    sent = select(Recipient.wamid, Recipient.id).where(Recipient.wamid.in_(wamids))
    tried = select(RecipientTry.wamid, RecipientTry.recipient_id).where(RecipientTry.wamid.in_(wamids))
    recipient_ids: dict[str, int] = {}
    for query in (chat, tried, sent):
        recipient_ids |= {
            wamid: recipient_id for wamid, recipient_id in session.execute(query) if wamid and recipient_id
        }
    return recipient_ids


def _owners(session: Session, ids: set[int]) -> dict[int, int]:
    if not ids:
        return {}
    rows = session.execute(select(Recipient.id, Recipient.contact_id).where(Recipient.id.in_(ids)))
    return {row.id: row.contact_id for row in rows}


def _without_reference(session: Session, replies: Sequence[AttributedReply]) -> dict[str, Attribution]:
    if not replies:
        return {}
    sent = _sent_to(session, {item.contact_id for item in replies})
    attributions: dict[str, Attribution] = {}
    for item in replies:
        candidates = [
            row for row in sent.get((item.contact_id, item.number_id), ()) if _may_answer(row, item.message.at)
        ]
        best = _latest(candidates)
        if best is not None:
            attributions[item.message.wamid] = Attribution(best.id, is_reference=False)
    return attributions


def _latest(candidates: Sequence[Any]) -> Any | None:
    return max(candidates, key=lambda row: (row.is_engaged, row.sent_at, row.id), default=None)


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
    rows_by_pair: dict[tuple[int, int], list[Any]] = {}
    for row in rows:
        rows_by_pair.setdefault((row.contact_id, row.number_id), []).append(row)
    return rows_by_pair
