"""Replies that nothing took are kept until an agent takes them up."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversations.cases import attend_case, close_case, open_case, open_cases
from models.conversations.unread import clear_unread, count_unread, mark_read, mark_unread
from models.tables.conversation import UnreadReply
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.factories.conversations import make_conversation

LATER = NOW + timedelta(minutes=5)


def test_a_conversation_is_unread_once_from_its_first_to_its_newest_reply(session: Session) -> None:
    contact, number = alice(session), make_number(session)
    talk = make_conversation(session, contact, number).id
    mark_unread(session, [], NOW)
    mark_unread(session, [talk, talk], NOW)
    mark_unread(session, [talk], LATER)
    [row] = session.scalars(select(UnreadReply)).all()
    assert (row.conversation_id, row.since, row.latest_at) == (talk, NOW, LATER)
    assert open_cases(session, [contact.id]) == {}


def test_what_came_after_the_agent_looked_stays_unread(session: Session) -> None:
    talk = make_conversation(session, alice(session), make_number(session)).id
    mark_unread(session, [talk], LATER)
    assert not mark_read(session, talk, NOW)
    assert count_unread(session) == 1
    assert mark_read(session, talk, LATER)
    assert not mark_read(session, talk, LATER)
    assert count_unread(session) == 0


def test_in_an_open_case_nothing_is_unread(session: Session) -> None:
    contact, number = alice(session), make_number(session)
    talk = make_conversation(session, contact, number).id
    open_case(session, contact.id, NOW, opened_by="bot")
    mark_unread(session, [talk], NOW)
    assert count_unread(session) == 0
    close_case(session, contact.id, NOW, closed_by="ann@example.com")
    mark_unread(session, [talk], NOW)
    assert count_unread(session) == 1


def test_taking_a_case_clears_what_slipped_in_before_it_opened(session: Session) -> None:
    contact, number = alice(session), make_number(session)
    talk = make_conversation(session, contact, number).id
    open_case(session, contact.id, NOW, opened_by="bot")
    session.add(UnreadReply(conversation_id=talk, since=NOW, latest_at=NOW))
    session.flush()
    assert attend_case(session, contact.id, "ann@example.com") is not None
    assert count_unread(session) == 0


def test_opening_a_case_and_clearing_touch_one_person_only(session: Session) -> None:
    first, second, third = alice(session), make_contact(session), make_contact(session)
    number = make_number(session)
    mark_unread(session, [make_conversation(session, person, number).id for person in (first, second, third)], NOW)
    open_case(session, first.id, NOW, opened_by="bot")
    assert count_unread(session) == 2
    clear_unread(session, second.id)
    assert count_unread(session) == 1
