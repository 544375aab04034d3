"""Carries out what an agent does in the inbox: answer, take or close a conversation, start a bot flow in it."""

import logging
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from admin.operations.cases import close_and_record, open_and_record
from jobs.core.runtime import Runtime
from jobs.core.wake_ups import ANSWER_CONTACT
from models.clock import utcnow
from models.conversations.cases import attend_case, take_case
from models.conversations.messages import agent_message, queue_flow_start
from models.conversations.unread import mark_read
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.conversation import Conversation

log = logging.getLogger("hark.talks")


def send_answer(rt: Runtime, conversation_id: int, text: str, actor: str) -> int:
    """Queue an agent's message and make the case theirs, so that no bot writes in between; return the message's id.

    Raises OperatorError if there is no such conversation or the message cannot be sent now.
    """
    now = utcnow()
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        message_id = agent_message(session, conversation_id, text, actor, now)
        contact_id = conversation.contact_id
        if attend_case(session, contact_id, actor) is None and not _open_case(session, conversation, actor, now):
            attend_case(session, contact_id, actor)  # somebody opened one in between
    _wake(rt, conversation_id)
    return message_id


def take_conversation(rt: Runtime, conversation_id: int, actor: str) -> None:
    """Assign the open case to the actor, or open one: campaigns and bots do not write to this contact until it is closed.

    Raises OperatorError if the case has an agent already or there is no such conversation.
    """
    now = utcnow()
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        taken_id = take_case(session, conversation.contact_id, actor)
        if taken_id is not None:
            contact_id = conversation.contact_id
            record_audit(session, now, actor, AuditAction.CHANGE, "case", taken_id, contact=contact_id, agent=actor)
        elif not _open_case(session, conversation, actor, now):
            raise OperatorError("An agent holds this conversation already.")


def close_conversation(rt: Runtime, conversation_id: int, actor: str) -> None:
    """Close the case: campaigns and bots may write to the contact again.

    Raises OperatorError if none is open or there is no such conversation.
    """
    now = utcnow()
    with rt.database.write() as session:
        conversation = _get_conversation(session, conversation_id)
        if not close_and_record(session, conversation.contact_id, actor, now):
            raise OperatorError("No case is open.")


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


def start_flow(rt: Runtime, conversation_id: int, flow_id: int, actor: str) -> None:
    """Start a bot flow in the conversation; an open case is closed. Raises OperatorError if the 24 h window is closed."""
    now = utcnow()
    with rt.database.write() as session:
        queue_flow_start(session, conversation_id, flow_id, now, actor)
        record_audit(session, now, actor, AuditAction.HAND_TO_FLOW, "conversation", conversation_id, flow=flow_id)
    _wake(rt, conversation_id)


def _open_case(session: Session, conversation: Conversation, actor: str, now: datetime) -> bool:
    """Open a case with the actor as its agent. False if one is open already."""
    contact_id, number_id = conversation.contact_id, conversation.number_id
    return open_and_record(session, contact_id, actor, now, number_id=number_id, agent=actor).is_new


def _get_conversation(session: Session, conversation_id: int) -> Conversation:
    conversation = session.get(Conversation, conversation_id)
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
