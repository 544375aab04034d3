"""The inbox says who else answers on the number."""

import pytest
from sqlalchemy import select

from models.clock import utcnow
from models.conversations.control import Evidence, record_control
from models.events.messages.echoes import store_echoes
from models.events.types import Sender
from models.tables.contact import Contact
from models.tables.conversation import Conversation
from models.tables.number import Number
from models.tables.user import Role
from tests.support.panel_app import Panel
from tests.support.routing import echo

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def told(panel: Panel, evidence: Evidence, role: str, summary: str | None = None) -> None:
    with panel.rt.database.write() as session:
        record_control(session, 2, evidence, utcnow(), utcnow(), role=role, summary=summary)


def test_a_conversation_of_another_responder_is_marked_in_the_list_and_in_the_chat(panel: Panel) -> None:
    agent = panel.of(Role.AGENT)
    assert "Elsewhere" not in agent.get("/inbox/")
    told(panel, Evidence.TAKEN, "ai_agent")
    assert "Elsewhere" in agent.get("/inbox/")
    page = agent.get("/inbox/2/")
    assert "Another responder on this number has the conversation (ai agent), and bots are silent" in page
    assert "WhatsApp may refuse your answer" in page
    assert "bots are silent in it" in agent.post("/inbox/2/hand", flow="1")


def test_what_the_other_one_wrote_about_a_conversation_that_it_passed_on_is_shown(panel: Panel) -> None:
    told(panel, Evidence.PASSED, "customer_service", "Wants <b>her</b> money back.")
    page = panel.of(Role.VIEWER).get("/inbox/2/")
    assert "Passed on to us" in page
    assert "Wants &lt;b&gt;her&lt;/b&gt; money back." in page


def test_what_the_phone_app_wrote_is_shown_as_ours_and_whoever_answers_is_told(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        talk = session.get_one(Conversation, 2)
        phone = session.scalars(select(Contact.phone).where(Contact.id == talk.contact_id)).one() or ""
        number = session.get_one(Number, talk.number_id).phone_number_id
        said = echo(at=utcnow(), phone_number_id=number, sender=Sender(phone.removeprefix("+")))
        store_echoes(session, [said], utcnow())
    agent = panel.of(Role.AGENT)
    page = agent.get("/inbox/2/")
    assert "written on a phone</p>" in page
    assert "phone app holds this conversation:" in page
    assert "holds this conversation already: phone app" in agent.refused("/inbox/2/answer", text="Hello")
    agent.post("/inbox/2/answer", text="Hello", held_by="phone app")
    assert "With agent@example.com" in agent.get("/inbox/2/")
