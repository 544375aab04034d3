"""A message that may ask for an end waits for a person, and changes no consent by itself."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.merge import merge_contacts
from models.conversations.possible_opt_outs import (
    clear_possible_opt_outs,
    count_possible_opt_outs,
    find_possible_opt_out,
    mark_possible_opt_outs,
    settle_possible_opt_out,
)
from models.conversations.unread import count_unread, mark_unread
from models.privacy.data_export import export_person
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation, Message
from models.tables.possible_opt_out import PossibleOptOut
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation
from tests.support.inbound_messages import at, recorded, store
from tests.support.merging import unknown_person

LATER = NOW + timedelta(minutes=5)


def _alice(session: Session) -> Contact:
    """Alice, who writes to the number of the recorded messages."""
    make_number(session, phone_number_id="106540352242922").waba.waba_id = "102290129340398"
    return alice(session)


def _doubtful(wamid: str, **values: Any) -> Any:
    return recorded("text", wamid=wamid, text="stop it please now", may_mean_stop=True, **values)


def test_the_newest_such_message_marks_its_conversation_once(session: Session) -> None:
    person = _alice(session)
    store(session, _doubtful("one", at=at(1)), _doubtful("two", at=at(2)), recorded("text", at=at(3)))
    session.refresh(person)
    [conversation] = session.scalars(select(Conversation))
    newest = session.scalars(select(Message.id).where(Message.wamid == "two")).one()
    mark = find_possible_opt_out(session, conversation.id)
    assert mark is not None
    assert (mark.message_id, mark.since, mark.latest_at) == (newest, NOW, NOW)
    assert (person.consent, count_possible_opt_outs(session)) == (Consent.SUBSCRIBED, 1)
    mark_possible_opt_outs(session, [], LATER)
    mark_possible_opt_outs(session, ["one"], LATER)
    session.refresh(mark)
    assert (mark.since, mark.latest_at) == (NOW, LATER)


def test_it_stands_among_what_is_to_be_read_once(session: Session) -> None:
    _alice(session)
    store(session, _doubtful("one"))
    [conversation_id] = session.scalars(select(Conversation.id))
    assert count_unread(session) == 1
    mark_unread(session, [conversation_id], NOW)
    assert count_unread(session) == 1


def test_who_is_unsubscribed_is_asked_nothing(session: Session) -> None:
    person = _alice(session)
    store(session, _doubtful("one"))
    [conversation_id] = session.scalars(select(Conversation.id))
    person.consent = Consent.UNSUBSCRIBED
    session.flush()
    assert (count_possible_opt_outs(session), count_unread(session)) == (0, 0)
    assert find_possible_opt_out(session, conversation_id) is None
    clear_possible_opt_outs(session, person.id)
    mark_possible_opt_outs(session, ["one"], LATER)
    assert session.scalars(select(PossibleOptOut)).all() == []


def test_a_stop_settles_it(session: Session) -> None:
    _alice(session)
    store(session, _doubtful("one"))
    store(session, recorded("stop"))
    assert session.scalars(select(PossibleOptOut)).all() == []


def test_what_came_after_the_agent_looked_is_not_dismissed(session: Session) -> None:
    _alice(session)
    store(session, _doubtful("one"))
    [conversation_id] = session.scalars(select(Conversation.id))
    mark_possible_opt_outs(session, ["one"], LATER)
    assert not settle_possible_opt_out(session, conversation_id, NOW)
    assert settle_possible_opt_out(session, conversation_id, LATER)
    assert not settle_possible_opt_out(session, conversation_id, LATER)


def test_a_merge_keeps_the_newest_mark_and_the_first_moment(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    number, other = make_number(session), make_number(session)
    both, only_theirs = make_conversation(session, winner, number), make_conversation(session, winner, other)
    duplicates = [make_conversation(session, loser, where) for where in (number, other)]
    marks = [(both, 1, NOW, NOW), (duplicates[0], 2, LATER, LATER), (duplicates[1], 3, NOW, LATER)]
    for talk, message_id, since, latest_at in marks:
        session.add(PossibleOptOut(conversation_id=talk.id, message_id=message_id, since=since, latest_at=latest_at))
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    kept = {
        row.conversation_id: (row.message_id, row.since, row.latest_at)
        for row in session.scalars(select(PossibleOptOut))
    }
    assert kept == {both.id: (2, NOW, LATER), only_theirs.id: (3, NOW, LATER)}


def test_the_export_of_a_person_names_it(session: Session) -> None:
    person = _alice(session)
    store(session, _doubtful("one"))
    [conversation_id] = session.scalars(select(Conversation.id))
    [entry] = export_person(session, person.id)["possible_opt_outs"]
    assert entry["conversation_id"] == conversation_id
