"""What an agent does in the inbox: answer, take a conversation, give it back, hand it to a bot flow."""

import logging

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.core.wake_ups import ANSWER_CONTACT
from models.clock import utcnow
from models.conversations.cases import close_case, open_case
from models.conversations.messages import agent_message, queue_flow_start
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.conversation import Conversation

log = logging.getLogger("hark.talks")


def send_answer(rt: Runtime, conversation_id: int, text: str, actor: str) -> int:
    """Queue an agent's message and take the conversation, so that no bot speaks in between; the message's id. Refused."""
    now = utcnow()
    with rt.database.write() as session:
        talk = _existing(session, conversation_id)
        message_id = agent_message(session, conversation_id, text, actor, now)
        opened = open_case(session, talk.contact_id, now, opened_by=actor, number_id=talk.number_id, agent=actor)
        if opened.is_new:
            record_audit(session, now, actor, AuditAction.OPEN, "case", opened.id, contact=talk.contact_id)
    _wake(rt, conversation_id)
    return message_id


def take_conversation(rt: Runtime, conversation_id: int, actor: str) -> None:
    """Open a case: campaigns and bots leave this person alone until it is closed. Refused where one is open."""
    now = utcnow()
    with rt.database.write() as session:
        talk = _existing(session, conversation_id)
        opened = open_case(session, talk.contact_id, now, opened_by=actor, number_id=talk.number_id, agent=actor)
        if not opened.is_new:
            raise OperatorError("An agent holds this conversation already.")
        record_audit(session, now, actor, AuditAction.OPEN, "case", opened.id, contact=talk.contact_id)


def close_conversation(rt: Runtime, conversation_id: int, actor: str) -> None:
    """Close the case: the person is free for campaigns and bots. Refused where none is open."""
    now = utcnow()
    with rt.database.write() as session:
        talk = _existing(session, conversation_id)
        if not close_case(session, talk.contact_id, now, closed_by=actor):
            raise OperatorError("No case is open.")
        record_audit(session, now, actor, AuditAction.CLOSE, "case", talk.contact_id, contact=talk.contact_id)


def start_flow(rt: Runtime, conversation_id: int, flow_id: int, actor: str) -> None:
    """Let a bot flow go on from here; an open case is closed. Refused outside the 24 h window."""
    now = utcnow()
    with rt.database.write() as session:
        queue_flow_start(session, conversation_id, flow_id, now, actor)
        record_audit(session, now, actor, AuditAction.HAND_TO_FLOW, "conversation", conversation_id, flow=flow_id)
    _wake(rt, conversation_id)


def _existing(session: Session, conversation_id: int) -> Conversation:
    talk = session.get(Conversation, conversation_id)
    if talk is None:
        raise OperatorError(
            "conversation {conversation_id}: there is no such conversation", conversation_id=conversation_id
        )
    return talk


def _wake(rt: Runtime, conversation_id: int) -> None:
    """A wake-up that is lost is made again from the rows."""
    try:
        ANSWER_CONTACT.enqueue(rt.redis, conversation_id)
    except RedisError as error:
        log.warning("conversation %d: no wake-up (%s); the schedule makes one", conversation_id, type(error).__name__)
