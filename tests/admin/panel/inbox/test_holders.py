"""One agent holds a case at a time, and bots stop when one does."""

import pytest
from sqlalchemy import select

from models.clock import utcnow
from models.conversations.cases import open_case
from models.conversations.messages import NewMessage, queue_messages
from models.stored_texts import TAKEN_OVER
from models.tables.conversation import Case, CaseStatus, Conversation, Message, MessageState
from models.tables.user import Role
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]
AGENT, MANAGER = "agent@example.com", "manager@example.com"


def a_bot_has_queued(panel: Panel) -> int:
    with panel.rt.database.write() as session:
        content = {"type": "text", "text": {"body": "I am a bot"}}
        return queue_messages(session, [NewMessage(2, content)], utcnow())[0]


def answers(panel: Panel) -> list[tuple[str, str]]:
    with panel.rt.database.read() as session:
        rows = session.scalars(select(Message).where(Message.author.is_not(None)).order_by(Message.id))
        return [(row.author or "", row.body or "") for row in rows]


def holder(panel: Panel) -> tuple[CaseStatus, str | None]:
    with panel.rt.database.read() as session:
        contact_id = session.get_one(Conversation, 2).contact_id
        case = session.scalars(select(Case).where(Case.contact_id == contact_id, Case.closed_at.is_(None))).one()
        return case.status, case.agent


def test_the_second_of_two_who_answer_is_told_before_the_answer_goes_and_keeps_the_text(panel: Panel) -> None:
    agent, manager = panel.of(Role.AGENT), panel.of(Role.MANAGER)
    agent.post("/inbox/2/answer", text="I look into it.", held_by="")
    page = manager.refused("/inbox/2/answer", text="Let me look.", held_by="")
    assert f"holds this conversation already: {AGENT}" in page
    assert ">Let me look.</textarea>" in page
    assert answers(panel) == [(AGENT, "I look into it.")]
    assert holder(panel) == (CaseStatus.ATTENDING, AGENT)
    assert f'name="held_by" value="{AGENT}"' in page
    manager.post("/inbox/2/answer", text="Let me look.", held_by=AGENT)
    assert [author for author, _ in answers(panel)] == [AGENT, MANAGER]
    assert holder(panel) == (CaseStatus.ATTENDING, MANAGER)
    assert "holds this conversation already" in agent.refused("/inbox/2/answer", text="Me again.", held_by=AGENT)


def test_an_agent_answers_their_own_case_whatever_the_page_showed(panel: Panel) -> None:
    agent = panel.of(Role.AGENT)
    agent.post("/inbox/2/answer", text="One.")
    agent.post("/inbox/2/answer", text="Two.")
    assert [text for _, text in answers(panel)] == ["One.", "Two."]


def test_a_case_is_taken_over_from_whom_the_page_shows_and_the_audit_says_so(panel: Panel) -> None:
    agent, manager = panel.of(Role.AGENT), panel.of(Role.MANAGER)
    agent.post("/inbox/2/take")
    assert f"Take it over from {AGENT}?" in manager.get("/inbox/2/")
    assert f"<b>{AGENT} holds this conversation:</b>" in manager.get("/inbox/2/")
    assert "holds this conversation:" not in agent.get("/inbox/2/")
    assert "holds this conversation already" in manager.post("/inbox/2/take", held_by="somebody@example.com")
    manager.post("/inbox/2/take", held_by=AGENT)
    assert holder(panel) == (CaseStatus.ATTENDING, MANAGER)
    assert panel.audited()[-1] == (MANAGER, "change")


@pytest.mark.parametrize("act", ["take", "answer"])
@pytest.mark.parametrize("is_handed_off", [False, True])
def test_what_a_bot_has_queued_is_not_sent_once_an_agent_has_the_case(
    panel: Panel, act: str, is_handed_off: bool
) -> None:
    message_id = a_bot_has_queued(panel)
    with panel.rt.database.write() as session:
        if is_handed_off:
            open_case(session, session.get_one(Conversation, 2).contact_id, utcnow(), opened_by="bot")
    page = panel.of(Role.AGENT).post(f"/inbox/2/{act}", text="Here I am.")
    assert "took over the conversation before this was sent" in page
    with panel.rt.database.read() as session:
        message = session.get_one(Message, message_id)
        assert (message.state, message.error_msg) == (MessageState.NOT_SENT, TAKEN_OVER().stored())
