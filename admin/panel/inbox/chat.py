"""Reads one chat as the inbox shows it: bubbles of messages and campaigns, by day."""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from admin.panel import labels as words
from admin.panel.reasons.explained import explain_error
from admin.panel.template_preview import sent_bubble
from bot.preview.bubble import Bubble, ContactCard, PlaceHeader
from bot.preview.filled_text import FilledText
from bot.preview.message import message_bubble
from models.conversations.remarks import Reaction, is_shown_at_another, reactions_to
from models.form_replies import form_text
from models.tables.campaign import Campaign
from models.tables.conversation import Conversation, Direction, Message
from models.tables.recipient import Recipient, RecipientState

MAX_MESSAGES = 200
ALONE = {
    "reaction": "Reacted with {body} to a message that is not here",
    "edit": "Edited a message that is not here: {body}",
    "revoke": "Deleted a message that is not here",
}
TAKEN_BACK = {
    "reaction": "Took back a reaction to a message that is not here",
    "edit": "Edited a message that is not here",
    "revoke": "Deleted a message that is not here",
}
"""The same where there is no text."""


@dataclass(frozen=True)
class ChatBubble:
    """One message as the chat shows it. `campaign`: the name of the campaign whose message it is."""

    is_out: bool
    drawn: Bubble
    at: datetime
    note: str
    is_bad: bool
    author: str
    reactions: tuple[Reaction, ...] = ()
    campaign: str | None = None
    said: str = ""
    """What Meta said of a message that failed."""


@dataclass(frozen=True)
class ChatPage:
    """The bubbles of one page of a chat, oldest first. `earlier` is the message before which older ones are, None if none are."""

    bubbles: list[ChatBubble]
    earlier: int | None


def read_chat(session: Session, talk: Conversation, before: int) -> ChatPage:
    """The newest messages of the conversation, those before the message `before` unless it is 0."""
    query = select(Message).where(Message.conversation_id == talk.id, ~is_shown_at_another())
    query = query.where(Message.id < before) if before else query
    messages = list(session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(MAX_MESSAGES + 1)))
    shown = messages[:MAX_MESSAGES]
    reactions = reactions_to(session, talk.id, [message.wamid for message in shown if message.wamid])
    bubbles = [_bubble(message, tuple(reactions.get(message.wamid or "", ()))) for message in reversed(shown)]
    bubbles += _campaign_bubbles(session, talk) if not before else []
    return ChatPage(
        sorted(bubbles, key=lambda bubble: bubble.at),
        messages[MAX_MESSAGES - 1].id if len(messages) > MAX_MESSAGES else None,
    )


def by_day(bubbles: list[ChatBubble], zone: ZoneInfo, now: datetime) -> list[tuple[str, list[ChatBubble]]]:
    """The bubbles under the name of their day in `zone`."""
    today = now.astimezone(zone).date()
    days: list[tuple[str, list[ChatBubble]]] = []
    for bubble in bubbles:
        day = bubble.at.astimezone(zone).date()
        name = "Today" if day == today else f"{day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")
        if not days or days[-1][0] != name:
            days.append((name, []))
        days[-1][1].append(bubble)
    return days


def _bubble(message: Message, reactions: tuple[Reaction, ...]) -> ChatBubble:
    is_out = message.direction is Direction.OUT
    payload = message.payload or {}
    edited = "edited" if payload.get("edited") else ""
    drawn = _drawn(message)
    if not is_out:
        return ChatBubble(False, drawn, message.at, edited, False, "", reactions)
    error = explain_error(message.error_code, message.error_msg)
    note = words.MESSAGE[message.state.value]
    if message.read_at:
        note = "read"
    elif message.delivered_at:
        note = "delivered"
    elif message.failed_at and error:
        note = f"failed: {error.text}"
    is_bad = message.state.value in {"refused", "not_sent"} or bool(message.failed_at and not message.delivered_at)
    if is_bad and error:
        note = f"{error.text} {error.advice}".strip()
    note = " · ".join(part for part in (edited, note) if part)
    said = error.said if error and is_bad else ""
    return ChatBubble(True, drawn, message.at, note, is_bad, message.author or "", reactions, said=said)


def _drawn(message: Message) -> Bubble:
    """The message as a phone shows it. The stored text counts: it is newer than Meta's object where the person edited it."""
    payload = message.payload or {}
    if message.type in ALONE:
        said = ALONE[message.type].format(body=message.body) if message.body else TAKEN_BACK[message.type]
        return Bubble(notice=said)
    if payload.get("revoked"):
        return Bubble(notice="Message deleted")
    drawn = message_bubble({"type": message.type, **payload})
    is_in = message.direction is Direction.IN
    text = (form_text(payload) if is_in else None) or message.body
    if drawn.notice and text:  # a kind that is not drawn says its words at least
        return Bubble(body=FilledText(text))
    if text and (is_in or not drawn.text) and not isinstance(drawn.header, PlaceHeader | ContactCard):
        return replace(drawn, body=FilledText(text))
    is_empty = drawn == Bubble()
    return Bubble(notice=f"[{message.type}]") if is_empty else drawn


def _campaign_bubbles(session: Session, talk: Conversation) -> list[ChatBubble]:
    """The campaign messages that this contact got from this number: they are not stored as messages of the chat."""
    sent_states = (RecipientState.ACCEPTED, RecipientState.HELD, RecipientState.UNSURE)
    rows = session.execute(
        select(Recipient, Campaign)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(
            Recipient.contact_id == talk.contact_id,
            Campaign.number_id == talk.number_id,
            Recipient.state.in_(sent_states),
        )
        .options(joinedload(Campaign.template))
        .order_by(Recipient.id.desc())
        .limit(20)
    )
    bubbles, sent = [], rows.all()
    reactions = reactions_to(session, talk.id, [row.Recipient.wamid for row in sent if row.Recipient.wamid])
    for recipient, campaign in sent:
        at = recipient.accepted_at or recipient.unsure_at or recipient.claimed_at
        if at is None:
            continue
        status, marks = recipient.status.replace("_", " "), tuple(reactions.get(recipient.wamid or "", ()))
        drawn = sent_bubble(session, campaign, recipient)
        bubbles.append(ChatBubble(True, drawn, at, status, False, "campaign", marks, campaign.name))
    return bubbles
