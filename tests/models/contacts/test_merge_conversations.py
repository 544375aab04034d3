"""Chats of two records become one."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.merge import merge_contacts
from models.conversations.cases import open_case
from models.conversations.unread import mark_unread
from models.tables.conversation import Case, CaseStatus, Conversation, Direction, Message, MessageState, UnreadReply
from models.tables.flow import Action, ActionKind, ActionState, Flow, FlowSession, FlowVersion, SessionStatus
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_case, make_conversation
from tests.support.merging import LATER, unknown_person


def test_chats_become_one(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    number, other = make_number(session), make_number(session)
    mine = make_conversation(session, winner, number, last_inbound_at=NOW)
    theirs = make_conversation(session, loser, number, last_inbound_at=LATER)
    alone = make_conversation(session, loser, other)
    for conversation in (mine, theirs, alone):
        session.add(
            Message(
                conversation_id=conversation.id,
                direction=Direction.IN,
                state=MessageState.RECEIVED,
                type="text",
                body="hi",
                at=NOW,
            )
        )
    make_case(session, winner, number, now=LATER)
    make_case(session, loser, number, now=NOW)
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert {row.id: row.contact_id for row in session.scalars(select(Conversation))} == {
        mine.id: winner.id,
        alone.id: winner.id,
    }
    assert mine.last_inbound_at == LATER
    assert sorted(session.scalars(select(Message.conversation_id))) == sorted([mine.id, mine.id, alone.id])
    cases = session.scalars(select(Case).order_by(Case.opened_at)).all()
    assert [(case.contact_id, case.closed_at) for case in cases] == [(winner.id, None), (winner.id, LATER)]


def test_of_two_open_cases_one_stays_with_the_agent_of_either_and_waits_if_either_waits(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    open_case(session, winner.id, NOW, opened_by="bot")
    open_case(session, loser.id, LATER, opened_by="ann@example.com", agent="ann@example.com")
    merge_contacts(session, winner.id, loser.id, LATER)
    case = session.scalars(select(Case).where(Case.closed_at.is_(None))).one()
    assert (case.opened_at, case.status, case.agent) == (NOW, CaseStatus.WAITING, "ann@example.com")


def test_what_is_unread_stays_unread_from_the_first_to_the_last_reply(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    number, other, third = make_number(session), make_number(session), make_number(session)
    both, only_theirs = make_conversation(session, winner, number), make_conversation(session, winner, other)
    duplicates = [make_conversation(session, loser, where) for where in (number, other)]
    alone = make_conversation(session, loser, third)
    mark_unread(session, [item.id for item in (*duplicates, alone)], NOW)
    mark_unread(session, [both.id], LATER)
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    unread = {row.conversation_id: (row.since, row.latest_at) for row in session.scalars(select(UnreadReply))}
    assert unread == {both.id: (NOW, LATER), only_theirs.id: (NOW, NOW), alone.id: (NOW, NOW)}


def test_of_two_live_walks_the_one_that_moved_last_goes_on(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    number = make_number(session)
    flow = Flow(name="f", version=1, created_at=NOW, updated_at=NOW)
    version = FlowVersion(flow=flow, version=1, source="", definition={}, checksum="x", created_at=NOW)
    session.add(version)
    session.flush()
    walks = [
        FlowSession(
            contact_id=contact.id,
            number_id=number.id,
            flow_version_id=version.id,
            state={},
            started_at=NOW,
            updated_at=moved,
        )
        for contact, moved in ((winner, NOW), (loser, LATER))
    ]
    session.add_all(walks)
    session.flush()
    action = Action(session_id=walks[0].id, kind=ActionKind.TIMER, payload={}, created_at=NOW)
    session.add(action)
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert [walk.status for walk in walks] == [SessionStatus.ENDED, SessionStatus.ACTIVE]
    assert {walk.contact_id for walk in walks} == {winner.id}
    assert action.state is ActionState.CANCELLED
