"""Conversations that are passed to us or taken from us, in whatever order Meta tells it."""

from collections.abc import Callable
from itertools import permutations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import from_unix
from models.conversations.cases import open_case
from models.conversations.control import Evidence, answered_elsewhere, delete_control, note_refused, record_control
from models.conversations.flow_sessions import NewSession, begin_sessions
from models.conversations.flow_versions import save_flow
from models.conversations.messages import NewMessage, queue_messages
from models.conversations.unread import count_unread
from models.tables.conversation import CaseStatus, Conversation, Message, MessageState
from models.tables.conversation_control import ConversationControl, Responder
from models.tables.flow import FlowSession
from models.tables.number import Number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation
from tests.support.inbound_messages import at, recorded, store
from tests.support.one_flow import DEFINITION
from tests.support.routing import apply_all, control, on_standby, open_holders, responders

PASSED_AT, TAKEN_AT = from_unix(1795341700), from_unix(1795341650)


def test_a_conversation_that_is_taken_silences_the_bot_and_one_that_is_passed_waits_for_a_person(
    session: Session, number: Number
) -> None:
    contact = alice(session)
    talk = make_conversation(session, contact, number)
    save_flow(session, "hello", "…", DEFINITION, NOW, "cli")
    begin_sessions(session, [NewSession(contact.id, number.id, 1, None, {})], NOW)
    [queued] = queue_messages(session, [NewMessage(talk.id, {"type": "text", "text": {"body": "bot"}})], NOW)
    assert apply_all(session, control("control_taken")) == 1
    assert (answered_elsewhere(session, [talk.id]), count_unread(session)) == ({talk.id}, 0)
    assert session.scalars(select(FlowSession.ended_reason)).all() == ["answered_elsewhere"]
    assert session.get_one(Message, queued).state is MessageState.NOT_SENT
    assert apply_all(session, control("control_passed")) == 1
    row = session.scalars(select(ConversationControl)).one()
    assert (row.responder, row.role, row.summary) == (Responder.US, "customer_service", "Wants her money back.")
    assert count_unread(session) == 1


def test_an_open_case_waits_once_its_conversation_is_passed_to_us(session: Session, number: Number) -> None:
    open_case(session, alice(session).id, NOW, opened_by="bot", agent="ann@example.com")
    apply_all(session, control("control_passed"))
    assert (open_holders(session), count_unread(session)) == ([(CaseStatus.WAITING, "ann@example.com")], 0)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_newest_event_counts_in_whatever_order_they_come(
    session: Session, number: Number, order: tuple[int, ...]
) -> None:
    alice(session)
    steps: list[Callable[[], object]] = [
        lambda: store(session, on_standby(at=at(0))),
        lambda: apply_all(session, control("control_passed", at(10))),
        lambda: store(session, recorded("text", at=at(20))),
        lambda: apply_all(session, control("control_taken", at(20))),
    ]
    for place in order:
        steps[place]()
    assert responders(session) == [Responder.OTHER]
    store(session, recorded("text", wamid="last", at=at(30)))
    assert responders(session) == [Responder.US]


def test_a_change_that_comes_again_or_late_changes_nothing(session: Session, number: Number) -> None:
    alice(session)
    assert apply_all(session, control("control_passed"), control("control_passed")) == 1
    assert apply_all(session, control("control_taken")) == 0
    assert responders(session) == [Responder.US]


def test_a_passed_conversation_of_somebody_unknown_is_listed_and_one_of_a_strange_number_is_none(
    session: Session, number: Number
) -> None:
    apply_all(session, control("control_passed"))
    talk = session.scalars(select(Conversation)).one()
    assert (talk.last_message_at, talk.last_inbound_at) == (PASSED_AT, None)
    number.phone_number_id = "999"
    assert apply_all(session, control("control_taken", at(9999))) == 0


def test_an_answer_that_meta_refuses_since_another_has_the_conversation_reaches_people_and_ends_with_the_next_message(
    session: Session, number: Number
) -> None:
    alice(session)
    store(session, recorded("text"))
    [message_id] = queue_messages(session, [NewMessage(1, {"type": "text", "text": {"body": "bot"}})], NOW)
    note_refused(session, [], NOW)
    assert (responders(session), count_unread(session)) == ([], 0)
    note_refused(session, [message_id], NOW)
    assert (responders(session), count_unread(session)) == ([Responder.OTHER], 1)
    store(session, recorded("text", wamid="next", at=at(1)))
    session.expire_all()
    assert responders(session) == [Responder.US]


def test_what_is_kept_of_a_persons_responders_is_deleted_with_them(session: Session, number: Number) -> None:
    contact = alice(session)
    talk = make_conversation(session, contact, number)
    assert record_control(session, talk.id, Evidence.TAKEN, TAKEN_AT, NOW, role="x" * 90, summary="y" * 3000)
    row = session.scalars(select(ConversationControl)).one()
    assert (len(row.role), len(row.summary or "")) == (40, 2000)
    delete_control(session, contact.id)
    assert responders(session) == []
