"""Cases: an agent takes over and hands back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversations.cases import (
    attend_case,
    await_agents,
    case_holder,
    close_case,
    count_waiting,
    open_case,
    open_cases,
)
from models.conversations.flow_sessions import NewSession, SessionSave, begin_sessions, pass_steps, save_sessions
from models.conversations.flow_versions import save_flow
from models.conversations.messages import queue_flow_start
from models.db.dialect import is_sqlite
from models.db.engine import Database
from models.errors import OperatorError
from models.tables.conversation import Case, CaseStatus, Conversation
from models.tables.flow import Action, ActionKind, ActionState, FlowSession, FunnelStep, SessionStatus
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation
from tests.support.one_flow import DEFINITION


def begin(session: Session, contact_id: int, number_id: int) -> int:
    save_flow(session, "hello", "…", DEFINITION, NOW, "cli")
    return begin_sessions(session, [NewSession(contact_id, number_id, 1, None, {})], NOW)[0]


def test_opening_a_case_ends_the_bot_s_walk_and_what_it_waited_for(database: Database) -> None:
    with database.write() as session:
        contact, number = alice(session), make_number(session)
        walk = begin(session, contact.id, number.id)
        session.add(Action(session_id=walk, kind=ActionKind.TIMER, payload={}, created_at=NOW, due_at=NOW))
        session.flush()
        opened = open_case(session, contact.id, NOW, opened_by="agent@example.com", number_id=number.id)
        assert opened.is_new
    with database.read() as session:
        ended = session.scalars(select(FlowSession)).one()
        assert (ended.status, ended.ended_reason) == (SessionStatus.ENDED, "case")
        assert session.scalars(select(Action.state)).one() is ActionState.CANCELLED


def test_a_contact_has_one_open_case_and_a_new_one_after_it_is_closed(database: Database) -> None:
    with database.write() as session:
        contact = alice(session)
        first = open_case(session, contact.id, NOW, opened_by="bot", reason="asked for a human")
        assert open_case(session, contact.id, NOW, opened_by="api") == (first.id, False)
        assert open_cases(session, [contact.id]) == {contact.id: first.id}
        assert close_case(session, contact.id, NOW, closed_by="agent@example.com")
        assert not close_case(session, contact.id, NOW, closed_by="agent@example.com")
        assert open_cases(session, [contact.id]) == {}
        assert open_case(session, contact.id, NOW, opened_by="api").is_new
        assert len(session.scalars(select(Case)).all()) == 2


def test_a_closed_case_is_moved_by_nobody(database: Database) -> None:
    with database.write() as session:
        contact = alice(session)
        open_case(session, contact.id, NOW, opened_by="bot")
        close_case(session, contact.id, NOW, closed_by="ann@example.com")
        assert attend_case(session, contact.id, "ann@example.com") is None
        await_agents(session, [contact.id])
        assert session.scalars(select(Case.status)).one() is CaseStatus.RESOLVED


def test_of_two_agents_who_take_a_case_the_second_has_to_know_of_the_first(database: Database) -> None:
    ann, ben = "ann@example.com", "ben@example.com"
    with database.write() as session:
        contact_id = alice(session).id
        case = open_case(session, contact_id, NOW, opened_by="bot")
        assert case_holder(session, contact_id) is None
    with database.write() as session:
        assert attend_case(session, contact_id, ann, if_held_by={None}) == case.id
    with database.write() as session:
        assert attend_case(session, contact_id, ben, if_held_by={None}) is None
        assert attend_case(session, contact_id, ben, if_held_by={"cat@example.com"}) is None
        assert case_holder(session, contact_id) == ann
    with database.write() as session:
        assert attend_case(session, contact_id, ben, if_held_by={None, ann}) == case.id
    with database.read() as session:
        assert _state(session) == [(CaseStatus.ATTENDING, ben)]


@pytest.mark.race
def test_a_case_that_is_closed_while_another_is_opened_is_no_error(database: Database) -> None:
    """On SQLite nobody can close it in between: there is one writer."""
    with database.write() as session:
        contact_id = alice(session).id
        first = open_case(session, contact_id, NOW, opened_by="bot")
    with database.write() as session:
        if not is_sqlite(session):
            session.execute = _after_the_first(session.execute, lambda: _close(database, contact_id))  # type: ignore[method-assign]
        opened = open_case(session, contact_id, NOW, opened_by="ann@example.com")
        assert opened.is_new is (opened.id != first.id) is not is_sqlite(session)


def _after_the_first(execute: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    """`execute`, which calls `then` once, after its first statement."""
    waiting = [then]

    def run(*args: Any, **kwargs: Any) -> Any:
        result = execute(*args, **kwargs)
        while waiting:
            waiting.pop()()
        return result

    return run


def _close(database: Database, contact_id: int) -> None:
    with database.write() as session:
        assert close_case(session, contact_id, NOW, closed_by="ben@example.com")


def test_a_case_waits_until_an_agent_has_it_and_again_once_its_person_writes(database: Database) -> None:
    with database.write() as session:
        contact_id = alice(session).id
        open_case(session, contact_id, NOW, opened_by="bot")
        assert count_waiting(session) == 1
        attend_case(session, contact_id, "ann@example.com")
        assert (count_waiting(session), _state(session)) == (0, [(CaseStatus.ATTENDING, "ann@example.com")])
        await_agents(session, [contact_id, contact_id])
        assert (count_waiting(session), _state(session)) == (1, [(CaseStatus.WAITING, "ann@example.com")])
        attend_case(session, contact_id, "ben@example.com")
        assert (count_waiting(session), _state(session)) == (0, [(CaseStatus.ATTENDING, "ben@example.com")])
        await_agents(session, [])
        assert count_waiting(session) == 0


def _state(session: Session) -> list[tuple[CaseStatus, str | None]]:
    return [(row.status, row.agent) for row in session.execute(select(Case.status, Case.agent))]


@pytest.mark.race
def test_of_two_writers_of_a_session_one_loses(database: Database) -> None:
    with database.write() as session:
        walk = begin(session, alice(session).id, make_number(session).id)
        assert save_sessions(session, [SessionSave(walk, 1, {"node": "b"})], NOW)
        assert not save_sessions(session, [SessionSave(walk, 1, {"node": "c"})], NOW)
        assert save_sessions(session, [SessionSave(walk, 2, {"node": "d"}, "done")], NOW)
        assert not save_sessions(session, [SessionSave(walk, 3, {"node": "e"})], NOW)


def test_a_funnel_step_keeps_its_first_time(database: Database) -> None:
    later = NOW + timedelta(hours=1)
    with database.write() as session:
        recipient = make_recipient(session, make_campaign(session), alice(session))
        pass_steps(session, [(recipient.id, "asked"), (recipient.id, "asked")], NOW)
        pass_steps(session, [(recipient.id, "asked"), (recipient.id, "bought")], later)
    with database.read() as session:
        steps = {row.step: row.at for row in session.scalars(select(FunnelStep))}
        assert steps == {"asked": NOW, "bought": later}


def test_handing_a_conversation_to_a_flow_closes_the_case(database: Database) -> None:
    with database.write() as session:
        contact, number = alice(session), make_number(session)
        conversation = make_conversation(session, contact, number)
        open_case(session, contact.id, NOW, opened_by="ann@example.com")
        flow = save_flow(session, "hello", "…", DEFINITION, NOW, "cli")
        queue_flow_start(session, conversation.id, flow.id, NOW, "ann@example.com")
        assert session.scalars(select(Conversation.handed_flow_id)).one() == flow.id
        assert open_cases(session, [contact.id]) == {}
        with pytest.raises(OperatorError, match="no such bot flow"):
            queue_flow_start(session, conversation.id, 999, NOW)
