"""Loads the context of a reply for many conversations in one round of queries: message, contact, session, case, campaign."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from models.conversations.cases import open_cases
from models.conversations.claim import Unhandled, next_unhandled
from models.conversations.control import answered_elsewhere
from models.conversations.flow_sessions import LiveSession, live_sessions
from models.form_replies import read_form
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.flow import OPEN_ACTION, Action, ActionKind, FlowSession, FlowVersion
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
    has_run: bool
    """Whether any version of that flow was begun for this recipient, also if it ended unfinished."""


class DueAction(NamedTuple):
    """A due timer, or a call with its result. `message_state` is the state of the message that the action waited for."""

    id: int
    session_id: int
    kind: ActionKind
    payload: dict[str, Any]
    result: dict[str, Any] | None
    message_state: MessageState | None
    due_at: datetime


@dataclass(slots=True)
class ReplyContext:
    """All that the reply in one conversation depends on. `tags` holds each tag's value by its name."""

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
    session_campaign: CampaignContext | None = None
    """The campaign of the live session."""
    case_id: int | None = None
    is_elsewhere: bool = False
    """Whether another responder on the number has the conversation (models.conversations.control)."""
    campaign: CampaignContext | None = None
    """The campaign that the message belongs to."""
    staff: str | None = None
    """The e-mail of the user whose verified phone this is."""
    form: dict[str, str] | None = None
    """The answers of the form that the message brings; None if it brings none."""


def load_reply_contexts(session: Session, ids: Iterable[int], now: datetime) -> dict[int, ReplyContext]:
    """The reply contexts by conversation id. A conversation that does not exist is absent."""
    contexts = {row.conversation_id: row for row in _conversations(session, ids)}
    if not contexts:
        return {}
    contacts = {context.contact_id for context in contexts.values()}
    messages = next_unhandled(session, contexts)
    live = live_sessions(session, contacts)
    cases = open_cases(session, contacts)
    actions = _due_actions(session, list(contexts), now)
    tags = _tags(session, contacts)
    elsewhere = answered_elsewhere(session, contexts.keys())
    for key, context in contexts.items():
        context.message, context.action = messages.get(key), actions.get(key)
        context.live = live.get((context.contact_id, context.number_id))
        context.case_id = cases.get(context.contact_id)
        context.is_elsewhere = key in elsewhere
        context.tags = tags.get(context.contact_id, {})
    _add_campaigns(session, contexts.values())
    _add_staff(session, contexts)
    _add_forms(session, contexts.values())
    return contexts


def has_input(session: Session, ids: Iterable[int], now: datetime) -> set[int]:
    """The conversations with an unhandled message, a due timer, the result of a call, or a hand-over to a flow."""
    conversation_ids = list(ids)
    waiting = set(next_unhandled(session, conversation_ids)) | set(_due_actions(session, conversation_ids, now))
    handed = select(Conversation.id).where(
        Conversation.id.in_(conversation_ids), Conversation.handed_flow_id.is_not(None)
    )
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
    """The earliest due action of each conversation, also of an ended session: such an action must be finished too."""
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


def _add_campaigns(session: Session, contexts: Collection[ReplyContext]) -> None:
    """Set the campaigns of message and session. `store` attributed the message to its campaign; here it is only read."""
    recipient_ids = {context.message.recipient_id for context in contexts if context.message}
    recipient_ids |= {context.live.recipient_id for context in contexts if context.live}
    facts = _campaign_facts(session, {recipient_id for recipient_id in recipient_ids if recipient_id})
    for context in contexts:
        if context.live:
            context.session_campaign = facts.get((context.live.recipient_id, context.contact_id))
        if context.message:
            context.campaign = facts.get((context.message.recipient_id, context.contact_id))


def _campaign_facts(session: Session, recipients: Iterable[int]) -> dict[tuple[int | None, int], CampaignContext]:
    """By recipient and contact."""
    is_ended = Campaign.status == CampaignStatus.ENDED
    has_run = exists().where(
        FlowSession.recipient_id == Recipient.id,
        FlowVersion.id == FlowSession.flow_version_id,
        FlowVersion.flow_id == Campaign.flow_id,
    )
    rows = session.execute(
        select(Recipient.id, Recipient.contact_id, Campaign.id, Campaign.name, Campaign.flow_id, is_ended, has_run)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.id.in_(sorted(recipients)))
    )
    return {(row[0], row[1]): CampaignContext(row[0], *row[2:]) for row in rows}


def _add_forms(session: Session, contexts: Iterable[ReplyContext]) -> None:
    by_message = {
        context.message.id: context for context in contexts if context.message and _may_be_form(context.message)
    }
    if not by_message:
        return
    rows = session.execute(select(Message.id, Message.payload).where(Message.id.in_(list(by_message))))
    for message_id, payload in rows:
        by_message[message_id].form = read_form(payload)


def _may_be_form(message: Unhandled) -> bool:
    return message.type == "interactive" and message.button_payload is None


def _add_staff(session: Session, contexts: Mapping[int, ReplyContext]) -> None:
    phones = sorted({context.phone for context in contexts.values() if context.phone and context.message})
    if not phones:
        return
    rows = session.execute(
        select(User.phone, User.email).where(
            User.phone.in_(phones), User.phone_verified_at.is_not(None), User.is_active.is_(True)
        )
    )
    emails = {row.phone: row.email for row in rows}
    for context in contexts.values():
        context.staff = emails.get(context.phone or "")
