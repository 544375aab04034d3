"""Carries out what an agent does in the inbox: answer, take or close a conversation, start a bot flow in it."""

import logging
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from admin.operations.cases import close_and_record, open_and_record
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.core.wake_ups import ANSWER_CONTACT
from models.clock import utcnow
from models.conversations.cases import attend_case, case_holder
from models.conversations.control import answered_elsewhere
from models.conversations.messages import agent_message, conversations_of, drop_bot_messages, queue_flow_start
from models.conversations.unread import mark_read
from models.errors import OperatorError
from models.stored_texts import TAKEN_OVER
from models.tables.audit import AuditAction, record_audit
from models.tables.conversation import Conversation

log = logging.getLogger("hark.talks")


@retry_conflicts
def send_answer(rt: Runtime, conversation_id: int, text: str, actor: str, held_by: str = "") -> int:
    """Queue an agent's message and make the case theirs; return the message's id. What bots have queued is not sent.

    `held_by` is the agent whom the actor was shown, empty for nobody. Raises OperatorError if there is no such conversation, the
    message cannot be sent now, or another agent has the case than the actor was shown: then nothing is sent.
    """
    now = utcnow()
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        message_id = agent_message(session, conversation_id, text, actor, now)
        if not _attend(session, conversation, actor, {None, actor, held_by or None}, now):
            raise OperatorError(
                "An agent holds this conversation already: {agent}. Your answer was not sent; if you send it again, you take the"
                " conversation over.",
                agent=case_holder(session, conversation.contact_id),
            )
    _wake(rt, conversation_id)
    return message_id


@retry_conflicts
def take_conversation(rt: Runtime, conversation_id: int, actor: str, held_by: str = "") -> None:
    """Assign the open case to the actor, or open one: campaigns and bots do not write to this contact until it is closed.

    `held_by` is the agent whom the actor was shown and takes it from, empty for nobody. Raises OperatorError if another agent
    has the case or there is no such conversation.
    """
    now = utcnow()
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        if not _attend(session, conversation, actor, {None, held_by or None}, now):
            holder = case_holder(session, conversation.contact_id)
            raise OperatorError("An agent holds this conversation already: {agent}.", agent=holder)


@retry_conflicts
def close_conversation(rt: Runtime, conversation_id: int, actor: str) -> None:
    """Close the case: campaigns and bots may write to the contact again.

    Raises OperatorError if none is open or there is no such conversation.
    """
    now = utcnow()
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        if not close_and_record(session, conversation.contact_id, actor, now):
            raise OperatorError("No case is open.")


@retry_conflicts
def mark_conversation_read(rt: Runtime, conversation_id: int, until: datetime, actor: str) -> None:
    """Mark as read what nothing took, up to the time that the agent was shown.

    Raises OperatorError if nothing is unread or more came since, or if there is no such conversation.
    """
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        if not mark_read(session, conversation_id, until):
            raise OperatorError("Nothing was marked as read: it was read already, or a new reply came.")
        contact_id = conversation.contact_id
        record_audit(
            session, utcnow(), actor, AuditAction.CHANGE, "conversation", conversation_id, contact=contact_id, read=True
        )


@retry_conflicts
def start_flow(rt: Runtime, conversation_id: int, flow_id: int, actor: str) -> None:
    """Start a bot flow in the conversation; an open case is closed.

    Raises OperatorError if the 24 h window is closed, or if another responder has the conversation.
    """
    now = utcnow()
    with rt.database.write() as session:
        if answered_elsewhere(session, [conversation_id]):
            raise OperatorError("Another responder on this number has the conversation: bots are silent in it.")
        queue_flow_start(session, conversation_id, flow_id, now, actor)
        record_audit(session, now, actor, AuditAction.HAND_TO_FLOW, "conversation", conversation_id, flow=flow_id)
    _wake(rt, conversation_id)


def _attend(
    session: Session, conversation: Conversation, actor: str, if_held_by: set[str | None], now: datetime
) -> bool:
    """Make the actor the agent of the open case, or of a new one, and drop what bots have queued for the person.

    False if somebody else has the case: the caller must roll back.
    """
    contact_id, number_id = conversation.contact_id, conversation.number_id
    opened = open_and_record(session, contact_id, actor, now, number_id=number_id, agent=actor)
    if not opened.is_new:
        before = case_holder(session, contact_id)
        if attend_case(session, contact_id, actor, if_held_by=if_held_by) is None:
            return False
        if before != actor:
            detail = {"before": before} if before else {}
            record_audit(
                session, now, actor, AuditAction.CHANGE, "case", opened.id, contact=contact_id, agent=actor, **detail
            )
    drop_bot_messages(session, conversations_of(session, contact_id), TAKEN_OVER(), now)
    return True


def _get_conversation(session: Session, conversation_id: int) -> Conversation:
    """The conversation, locked: bots and other agents wait until this is written."""
    conversation = session.get(Conversation, conversation_id, with_for_update=True)
    if conversation is None:
        raise OperatorError(
            "conversation {conversation_id}: there is no such conversation", conversation_id=conversation_id
        )
    return conversation


def _wake(rt: Runtime, conversation_id: int) -> None:
    """Wake the answering job; the schedule makes a lost wake-up again from the rows."""
    try:
        ANSWER_CONTACT.enqueue(rt.redis, conversation_id)
    except RedisError as error:
        log.warning("conversation %d: no wake-up (%s); the schedule makes one", conversation_id, type(error).__name__)
