"""Statuses: which row each belongs to, and what state it gives the row."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events.types import Callback, Failure, Status
from models.tables.conversation import Direction, Message, MessageState
from models.tables.number import Number
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_conversation
from tests.support.statuses import MINE, State, apply, at, chat_message, recipient, status


def test_a_status_settles_an_unsure_row(session: Session) -> None:
    row = recipient(session, State.UNSURE)
    apply(session, status(row, "sent", 2))
    assert (row.state, row.wamid, row.accepted_at, row.error_msg) == (State.ACCEPTED, "w1", at(2), None)
    assert (row.unsure_at, row.detail) == (at(1), "no answer")


def test_a_failure_settles_an_unsure_row_too(session: Session) -> None:
    row = recipient(session, State.UNSURE)
    apply(session, status(row, "failed", 2, 131049))
    assert (row.state, row.status, row.error_code) == (State.ACCEPTED, "failed", 131049)


def test_a_status_overtakes_the_senders_own_record(session: Session) -> None:
    row = recipient(session, State.SENDING)
    apply(session, status(row, "sent", 2))
    assert (row.state, row.wamid, row.sent_at) == (State.ACCEPTED, "w1", at(2))


def test_a_row_that_waits_to_be_tried_again_is_not_sent_again_when_it_was_accepted_after_all(session: Session) -> None:
    row = recipient(session, State.QUEUED, error_code=131000, error_msg="unknown")
    apply(session, status(row, "delivered", 2))
    assert (row.state, row.status, row.error_code) == (State.ACCEPTED, "delivered", None)


def test_a_failure_of_a_refused_attempt_does_not_stop_the_next_one(session: Session) -> None:
    row = recipient(session, State.QUEUED)
    result = apply(session, status(row, "failed", 2, 131000))
    assert (row.state, len(result.waiting)) == (State.QUEUED, 1)


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_SENT])
def test_what_was_accepted_after_all_is_counted_as_sent(session: Session, state: State) -> None:
    row = recipient(session, state, failed_at=at(1) if state is State.REFUSED else None, error_code=131000)
    apply(session, status(row, "sent", 2))
    assert (row.state, row.status, row.reason, row.error_code, row.failed_at) == (
        State.ACCEPTED,
        "sent",
        None,
        None,
        None,
    )


def test_an_older_attempt_waits_while_another_is_under_way(session: Session) -> None:
    row = recipient(session, State.SENDING, attempts=2)
    result = apply(session, status(row, "sent", 2))
    assert (row.state, len(result.waiting)) == (State.SENDING, 1)


def test_a_held_message_is_released_by_sent_and_ended_by_a_failure(session: Session) -> None:
    released, dropped, waiting = (recipient(session, State.HELD, wamid=name) for name in ("w1", "w2", "w3"))
    apply(session, status(released, "sent", 2), status(dropped, "failed", 2, 132015))
    assert [row.status for row in (released, dropped, waiting)] == ["sent", "failed", "held"]


def test_a_status_without_callback_data_is_matched_by_its_wamid(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "delivered", 2, callback=None, callback_data=None))
    assert row.status == "delivered"


def test_both_ways_of_matching_in_one_batch_reach_one_row(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "delivered", 2, callback=None), status(row, "read", 3))
    assert (row.delivered_at, row.read_at) == (at(2), at(3))


def test_another_wamid_or_number_is_not_believed(session: Session) -> None:
    row = recipient(session)
    result = apply(session, status(row, "read", 2, wamid="forged"), status(row, "read", 2, phone_number_id="999"))
    assert (row.status, result.disagreeing) == ("sent", 2)


def test_the_right_number_is_believed(session: Session) -> None:
    row = recipient(session)
    number = session.scalar(select(Number.phone_number_id))
    apply(session, status(row, "read", 2, phone_number_id=number))
    assert row.status == "read"


def test_a_status_of_another_installation_is_counted_and_ignored(session: Session) -> None:
    row = recipient(session)
    result = apply(session, status(row, "read", 2, callback=Callback("other", row.id, None, 1)))
    assert (row.status, result.foreign, result.waiting) == ("sent", 1, [])


def test_a_chat_message_gets_its_statuses_too(session: Session) -> None:
    unsure = chat_message(session, MessageState.UNSURE)
    accepted = chat_message(session, MessageState.ACCEPTED, wamid="m2", accepted_at=NOW)
    statuses = [
        Status("m1", "sent", at(2), callback=Callback(MINE, None, unsure.id, 1)),
        Status("m2", "read", at(3)),
        Status("m2", "failed", at(4), failure=Failure(131047, "closed")),
    ]
    assert apply(session, *statuses).applied == 3
    assert (unsure.state, unsure.wamid, unsure.sent_at) == (MessageState.ACCEPTED, "m1", at(2))
    assert (accepted.read_at, accepted.failed_at, accepted.error_code) == (at(3), at(4), 131047)


def test_an_inbound_message_takes_no_status(session: Session) -> None:
    number = make_number(session)
    conversation = make_conversation(session, make_contact(session), number)
    inbound = Message(
        conversation_id=conversation.id,
        direction=Direction.IN,
        state=MessageState.RECEIVED,
        type="text",
        at=NOW,
        wamid="in",
    )
    session.add(inbound)
    assert len(apply(session, Status("in", "read", at(3))).waiting) == 1
    assert inbound.state is MessageState.RECEIVED
