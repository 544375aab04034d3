"""The inbox, as agents use it."""

import html
import re

import pytest
from redis import Redis
from sqlalchemy import delete, select

from admin.panel.base import PAGE_ROWS
from jobs.core.queues import ANSWER, queue
from models.clock import utcnow
from models.conversations.cases import close_case, count_waiting, open_case
from models.conversations.unread import mark_unread
from models.tables.conversation import Case, CaseStatus, Conversation, Message, MessageState, UnreadReply
from models.tables.user import Role
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_an_agent_answers_takes_closes_and_hands_over(panel: Panel, redis: Redis) -> None:
    agent = panel.of(Role.AGENT)
    assert "allowed are 1 to 4096" in agent.refused("/inbox/2/answer", text="  ")
    agent.post("/inbox/2/answer", text="Yes!\r\nIn three greens.")
    with panel.rt.database.read() as session:
        message = session.scalars(select(Message).where(Message.author == "agent@example.com")).one()
        talk = session.get_one(Conversation, 2)
        case = session.scalars(select(Case).where(Case.contact_id == talk.contact_id, Case.closed_at.is_(None))).one()
    assert (message.state, message.body, case.agent) == (
        MessageState.QUEUED,
        "Yes!\nIn three greens.",
        "agent@example.com",
    )
    assert queue(redis, ANSWER).count == 1
    assert "holds this conversation already" in agent.post("/inbox/2/take")
    assert "Closed." in agent.post("/inbox/2/close")
    assert "No case is open" in agent.post("/inbox/2/close")
    assert "goes on from here" in agent.post("/inbox/2/hand", flow="1")
    assert "no such bot flow" in agent.post("/inbox/2/hand", flow="99")
    with panel.rt.database.read() as session:
        assert session.get_one(Conversation, 2).handed_flow_id == 1


def test_outside_the_window_nobody_can_answer(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Conversation, 2).last_inbound_at = None
    agent = panel.of(Role.AGENT)
    assert "allows only templates now" in agent.get("/inbox/2/")
    assert "24 hours old" in agent.refused("/inbox/2/answer", text="Hello")


def test_a_hand_off_waits_until_an_agent_takes_it_and_the_second_one_is_told(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        contact_id = session.get_one(Conversation, 2).contact_id
        close_case(session, contact_id, utcnow(), closed_by="test")
        before = count_waiting(session)
        open_case(session, contact_id, utcnow(), opened_by="bot", reason="asked for a human")
    first, second = panel.of(Role.AGENT), panel.of(Role.MANAGER)
    people = "person waits" if before == 0 else "people wait"
    assert f"{before + 1} {people} for an agent" in first.get("/")
    assert "/inbox/2/?show=waiting" in first.get("/inbox/?show=waiting")
    assert "Assign to me" in first.get("/inbox/2/")
    assert "It is yours" in first.post("/inbox/2/take")
    assert "holds this conversation already" in second.post("/inbox/2/take")
    assert "Assign to me" not in second.get("/inbox/2/")
    assert "/inbox/2/?show=waiting" not in first.get("/inbox/?show=waiting")
    second.post("/inbox/2/answer", text="I take over.", held_by="agent@example.com")
    with panel.rt.database.read() as session:
        case = session.scalars(select(Case).where(Case.contact_id == contact_id, Case.closed_at.is_(None))).one()
        assert (case.status, case.agent) == (CaseStatus.ATTENDING, "manager@example.com")
        assert count_waiting(session) == before


def test_the_case_of_somebody_who_never_wrote_is_listed_and_closed(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        contact = make_contact(session, name="Silent Sam")
        contact_id = contact.id
        open_case(session, contact_id, utcnow(), opened_by="shell", reason="asked by phone")
    agent, viewer = panel.of(Role.AGENT), panel.of(Role.VIEWER)
    close = f"/inbox/cases/{contact_id}/close"
    for show in ("open", "waiting"):
        listed = agent.get(f"/inbox/?show={show}")
        assert "Silent Sam" in listed
        assert "asked by phone" in listed
        assert close in listed
    assert "Silent Sam" not in agent.get("/inbox/")
    assert close not in viewer.get("/inbox/?show=open")
    assert close in agent.get(f"/contacts/{contact_id}/")
    assert "Closed." in agent.post(close)
    assert "No case is open" in agent.post(close)
    assert "Silent Sam" not in agent.get("/inbox/?show=open")


def test_more_cases_without_a_conversation_than_a_page_holds_are_paged(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        for place in range(PAGE_ROWS + 1):
            contact = make_contact(session, name=f"Silent {place:03}")
            open_case(session, contact.id, utcnow(), opened_by="shell")
    page = panel.of(Role.AGENT).get("/inbox/?show=waiting")
    assert "Silent 000" not in page
    [older] = re.findall(r'href="([^"]*cases_before=[^"]*)"', page)
    assert "Silent 000" in panel.of(Role.AGENT).get(older.replace("&amp;", "&").removeprefix("/admin"))


def test_a_reply_that_nothing_took_is_listed_until_an_agent_read_or_answered_it(panel: Panel) -> None:
    agent, viewer = panel.of(Role.AGENT), panel.of(Role.VIEWER)
    with panel.rt.database.write() as session:
        for talk in session.scalars(select(Conversation)):
            close_case(session, talk.contact_id, utcnow(), closed_by="test")
        session.execute(delete(UnreadReply))
        mark_unread(session, [1, 2], utcnow())
    assert "2 conversations have unread replies" in agent.get("/")
    listed = agent.get("/inbox/?show=unread")
    assert "/inbox/1/?show=unread" in listed
    assert "/inbox/2/?show=unread" in listed
    assert "Mark as read" not in viewer.get("/inbox/1/")
    [until] = re.findall(r'name="until" value="([^"]+)"', agent.get("/inbox/1/"))
    with panel.rt.database.write() as session:
        mark_unread(session, [1], utcnow())
    assert "a new reply came" in agent.post("/inbox/1/read", until=html.unescape(until))
    [until] = re.findall(r'name="until" value="([^"]+)"', agent.get("/inbox/1/"))
    assert "Marked as read." in agent.post("/inbox/1/read", until=html.unescape(until))
    assert "1 conversation has unread replies" in agent.get("/")
    agent.post("/inbox/2/answer", text="Here I am.")
    assert "unread replies" not in agent.get("/")
    assert "/inbox/2/?show=unread" not in agent.get("/inbox/?show=unread")
