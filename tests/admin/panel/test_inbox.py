"""The inbox, as agents use it."""

import pytest
from redis import Redis
from sqlalchemy import select

from jobs.core.queues import ANSWER, queue
from models.tables.conversation import Case, Conversation, Message, MessageState
from models.tables.user import Role
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_an_agent_answers_takes_closes_and_hands_over(panel: Panel, redis: Redis) -> None:
    agent = panel.of(Role.AGENT)
    assert "allowed are 1 to 4096" in agent.post("/inbox/2/answer", text="  ")
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
    assert "24 hours old" in agent.post("/inbox/2/answer", text="Hello")
