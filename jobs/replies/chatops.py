"""Answers the commands that staff write by WhatsApp, and runs the changes that they confirmed.

A change may have to ask Meta first (a resumption runs the preflight), so it runs as a job of its own. At most one job is enqueued
for a pressed button; a lost job changes nothing, and a person without an answer presses again.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import chatops
from jobs.campaigns.lifecycle import end_campaign, pause_campaign, resume_campaign
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import ANSWER_CONTACT, RUN_CONFIRMED_COMMAND
from jobs.replies.plan import ReplyPlan
from models.campaigns.stats import stats_of
from models.clock import utcnow
from models.conversations.messages import NewMessage, queue_messages
from models.errors import OperatorError
from models.tables.campaign import Campaign, CampaignStatus, allowed_verbs
from models.tables.contact import Contact
from models.tables.conversation import Conversation, Message
from models.tables.user import Role, User

log = logging.getLogger("hark.answer")

MAX_LISTED = 20
UNDER_WAY = (CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.SCHEDULED)
MAY_CHANGE = (Role.MANAGER, Role.ADMIN)
OPERATIONS: Mapping[chatops.PendingChange, Callable[[Runtime, int, datetime, str], None]] = {
    "pause": pause_campaign,
    "resume": resume_campaign,
    "end": end_campaign,
}
DONE = {"pause": "is paused", "resume": "goes on", "end": "has ended"}

Body = dict[str, Any]


def answer_command(
    session: Session, command: chatops.ChatCommand | chatops.Confirmation, staff: str, now: datetime
) -> list[Body]:
    """The Graph bodies to answer at once. Empty for a confirmed change: `run_confirmed_command` answers that."""
    if isinstance(command, chatops.Confirmation):
        text = chatops.DROPPED if command.change is None else chatops.EXPIRED if command.is_expired else None
        return [chatops.text_answer(text)] if text else []
    if command.verb == "campaigns":
        return [chatops.campaigns_answer(_under_way(session))]
    if command.campaign_id is None:
        return [chatops.text_answer(chatops.HELP)]
    if command.verb == "stats":
        stats = stats_of(session, [command.campaign_id]).get(command.campaign_id)
        return [chatops.stats_answer(stats) if stats else chatops.text_answer(_missing(command.campaign_id))]
    return [_question(session, command, staff, now)]


def enqueue_change(rt: Runtime, plan: ReplyPlan) -> None:
    """Enqueue the job of a confirmed change; nothing if the plan has none, or its confirmation has expired."""
    command, message = plan.command, plan.context.message
    if not isinstance(command, chatops.Confirmation) or message is None:
        return
    if command.change is None or command.is_expired:
        return
    try:
        RUN_CONFIRMED_COMMAND.enqueue(rt.redis, message.id)
    except RedisError as error:
        log.warning("message %d: its command is lost (%s)", message.id, type(error).__name__)


def run_confirmed_command(message_id: int) -> None:
    """RQ's entry: run the change that the button in this message confirmed, and queue a message with its result."""
    rt, now = runtime(), utcnow()
    with rt.database.read() as session:
        message = session.get(Message, message_id)
        staff = _staff(session, message.conversation_id) if message else None
    confirmed = chatops.read_confirmation(message.button_payload, message.at) if message else None
    if message is None or staff is None or confirmed is None or confirmed.change is None:
        return
    text = _change(rt, confirmed.change, confirmed.campaign_id, staff, now)
    with rt.database.write() as session:
        queue_messages(session, [NewMessage(message.conversation_id, chatops.text_answer(text))], now)
    ANSWER_CONTACT.enqueue(rt.redis, message.conversation_id)


def _change(rt: Runtime, change: chatops.PendingChange, campaign_id: int, staff: User, now: datetime) -> str:
    if staff.role not in MAY_CHANGE:
        return f"Your role ({staff.role}) may look, not change."
    try:
        OPERATIONS[change](rt, campaign_id, now, staff.email)
    except OperatorError as error:
        return str(error)
    return f"Campaign {campaign_id} {DONE[change]}."


def _question(session: Session, command: chatops.ChatCommand, staff: str, now: datetime) -> Body:
    """The question to confirm the change, or the reason why it is not possible."""
    row = session.execute(
        select(Campaign.name, Campaign.status).where(Campaign.id == command.campaign_id, Campaign.deleted_at.is_(None))
    ).first()
    if row is None or command.campaign_id is None:
        return chatops.text_answer(_missing(command.campaign_id))
    role = session.scalar(select(User.role).where(User.email == staff))
    if role not in MAY_CHANGE:
        return chatops.text_answer(f"Your role ({role}) may look, not change.")
    if command.verb not in allowed_verbs(row.status):
        return chatops.text_answer(f"Campaign {command.campaign_id} is {row.status}.")
    change = next(verb for verb in ("pause", "resume", "end") if verb == command.verb)
    return chatops.question(change, command.campaign_id, row.name, now)


def _under_way(session: Session) -> list[tuple[int, str, str]]:
    rows = session.execute(
        select(Campaign.id, Campaign.name, Campaign.status)
        .where(Campaign.status.in_(UNDER_WAY), Campaign.deleted_at.is_(None))
        .order_by(Campaign.id.desc())
        .limit(MAX_LISTED)
    )
    return [(row.id, row.name, row.status) for row in rows]


def _staff(session: Session, conversation_id: int) -> User | None:
    return session.scalar(
        select(User)
        .join(Contact, Contact.phone == User.phone)
        .join(Conversation, Conversation.contact_id == Contact.id)
        .where(Conversation.id == conversation_id, User.phone_verified_at.is_not(None), User.is_active.is_(True))
    )


def _missing(campaign_id: int | None) -> str:
    return f"There is no campaign {campaign_id}."
