"""All that an answer depends on, read for many conversations at once: who wrote what, and where they stand."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.conversations.cases import open_cases
from models.conversations.claim import OPEN_ACTION, Unhandled, next_unhandled
from models.conversations.flow_sessions import LiveSession, live_sessions
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.flow import Action, ActionKind, FlowSession
from models.tables.recipient import Recipient
from models.tables.tag import ContactTag, Tag
from models.tables.user import User


class CampaignContext(NamedTuple):
    """A recipient's campaign and the bot flow it names."""

    recipient_id: int
    campaign_id: int
    name: str
    flow_id: int | None
    is_ended: bool


class DueAction(NamedTuple):
    """A timer that is due, or a call whose result has come. `message_state` is that of the message it waited for."""

    id: int
    session_id: int
    kind: ActionKind
    payload: dict[str, Any]
    result: dict[str, Any] | None
    message_state: MessageState | None
    due_at: datetime


@dataclass(slots=True)
class ReplyContext:
    """One conversation at the moment of answering."""

    conversation_id: int
    contact_id: int
    number_id: int
    handed_flow_id: int | None
    name: str
    phone: str | None
    language: str | None
    country: str | None
    attributes: dict[str, Any]
    tags: dict[str, str | None] = field(default_factory=dict)
    message: Unhandled | None = None
    action: DueAction | None = None
    live: LiveSession | None = None
    walked: CampaignContext | None = None
    """The campaign of the live session."""
    case_id: int | None = None
    campaign: CampaignContext | None = None
    """The campaign that the message belongs to."""
    staff: str | None = None
    """The e-mail of the user whose verified phone this is."""


def load_reply_contexts(session: Session, ids: Iterable[int], now: datetime) -> dict[int, ReplyContext]:
    """The situations of these conversations."""
    found = {row.conversation_id: row for row in _conversations(session, ids)}
    if not found:
        return {}
    contacts = {each.contact_id for each in found.values()}
    messages = next_unhandled(session, found)
    live = live_sessions(session, contacts)
    cases = open_cases(session, contacts)
    actions = _due_actions(session, list(found), now)
    tags = _tags(session, contacts)
    for key, each in found.items():
        each.message, each.action = messages.get(key), actions.get(key)
        each.live = live.get((each.contact_id, each.number_id))
        each.case_id = cases.get(each.contact_id)
        each.tags = tags.get(each.contact_id, {})
    _add_campaigns(session, found.values())
    _add_staff(session, found)
    return found


def has_input(session: Session, ids: Iterable[int], now: datetime) -> set[int]:
    """Those of these conversations in which something waits to be read: a message, a timer, a result, a hand-over."""
    wanted = list(ids)
    waiting = set(next_unhandled(session, wanted)) | set(_due_actions(session, wanted, now))
    handed = select(Conversation.id).where(Conversation.id.in_(wanted), Conversation.handed_flow_id.is_not(None))
    return waiting | set(session.scalars(handed))


def _conversations(session: Session, ids: Iterable[int]) -> list[ReplyContext]:
    rows = session.execute(
        select(
            Conversation.id,
            Conversation.contact_id,
            Conversation.number_id,
            Conversation.handed_flow_id,
            Contact.name,
            Contact.phone,
            Contact.language,
            Contact.country,
            Contact.attributes,
        )
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(Conversation.id.in_(list(ids)))
        .order_by(Conversation.id)
    )
    return [ReplyContext(*row) for row in rows]


def _tags(session: Session, contacts: Iterable[int]) -> dict[int, dict[str, str | None]]:
    rows = session.execute(
        select(ContactTag.contact_id, Tag.name, ContactTag.value)
        .join(Tag, Tag.id == ContactTag.tag_id)
        .where(ContactTag.contact_id.in_(list(contacts)))
    )
    tags: dict[int, dict[str, str | None]] = {}
    for row in rows:
        tags.setdefault(row.contact_id, {})[row.name] = row.value
    return tags


def _due_actions(session: Session, ids: list[int], now: datetime) -> dict[int, DueAction]:
    """The earliest of each conversation, also of a session that is over: it has to be put away."""
    columns: list[Any] = [
        Action.id,
        Action.session_id,
        Action.kind,
        Action.payload,
        Action.result,
        Message.state,
        Action.due_at,
    ]
    rows = session.execute(
        select(Conversation.id, *columns)
        .join(
            FlowSession,
            and_(FlowSession.contact_id == Conversation.contact_id, FlowSession.number_id == Conversation.number_id),
        )
        .join(Action, Action.session_id == FlowSession.id)
        .outerjoin(Message, Message.id == Action.after_message_id)
        .where(
            Conversation.id.in_(ids),
            OPEN_ACTION,
            Action.due_at <= now,
            or_(Action.kind == ActionKind.TIMER, Action.result.is_not(None)),
        )
        .order_by(Action.due_at, Action.id)
    )
    first: dict[int, DueAction] = {}
    for row in rows:
        first.setdefault(row[0], DueAction(*row[1:]))
    return first


def _add_campaigns(session: Session, situations: Collection[ReplyContext]) -> None:
    """The campaign of the message is the one that it counts for: decided when it was stored, read here."""
    wanted = {each.message.recipient_id for each in situations if each.message}
    wanted |= {each.live.recipient_id for each in situations if each.live}
    facts = _campaign_facts(session, {recipient_id for recipient_id in wanted if recipient_id})
    for each in situations:
        if each.live:
            each.walked = facts.get((each.live.recipient_id, each.contact_id))
        if each.message:
            each.campaign = facts.get((each.message.recipient_id, each.contact_id))


def _campaign_facts(session: Session, recipients: Iterable[int]) -> dict[tuple[int | None, int], CampaignContext]:
    """By recipient and contact."""
    is_ended = Campaign.status == CampaignStatus.ENDED
    rows = session.execute(
        select(Recipient.id, Recipient.contact_id, Campaign.id, Campaign.name, Campaign.flow_id, is_ended)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.id.in_(sorted(recipients)))
    )
    return {(row[0], row[1]): CampaignContext(row[0], row[2], row[3], row[4], row[5]) for row in rows}


def _add_staff(session: Session, found: Mapping[int, ReplyContext]) -> None:
    phones = sorted({each.phone for each in found.values() if each.phone and each.message})
    if not phones:
        return
    rows = session.execute(
        select(User.phone, User.email).where(
            User.phone.in_(phones), User.phone_verified_at.is_not(None), User.is_active.is_(True)
        )
    )
    emails = {row.phone: row.email for row in rows}
    for each in found.values():
        each.staff = emails.get(each.phone or "")
