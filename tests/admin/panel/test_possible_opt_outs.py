"""Who may want to stop stands in the inbox; an agent unsubscribes them or dismisses it."""

import html
import re

import pytest
from sqlalchemy import select

from models.clock import utcnow
from models.contacts.consent import set_consent
from models.conversations.possible_opt_outs import mark_possible_opt_outs
from models.conversations.unread import mark_unread
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.conversation import Conversation, Direction, Message, MessageState, UnreadReply
from models.tables.possible_opt_out import PossibleOptOut
from models.tables.recipient import Recipient
from models.tables.recipient_opt_out import OptOutWay, RecipientOptOut
from models.tables.user import Role
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]

UNTIL = re.compile(r'/inbox/1/dismiss".*?name="until" value="([^"]+)"', re.DOTALL)


@pytest.fixture
def agent(panel: Panel) -> Visitor:
    """An agent; conversation 1 holds an unread message that may ask for an end."""
    with panel.rt.database.write() as session:
        session.add(
            Message(
                conversation_id=1,
                direction=Direction.IN,
                state=MessageState.RECEIVED,
                type="text",
                body="stop it please now",
                wamid="wamid.doubt",
                at=utcnow(),
                handled_at=utcnow(),
            )
        )
        session.flush()
        mark_possible_opt_outs(session, ["wamid.doubt"], utcnow())
        mark_unread(session, [1], utcnow())
    return panel.of(Role.AGENT)


def _consent(panel: Panel) -> Consent:
    with panel.rt.database.read() as session:
        return session.get_one(Contact, session.get_one(Conversation, 1).contact_id).consent


def _until(agent: Visitor) -> str:
    return html.unescape(UNTIL.findall(agent.get("/inbox/1/"))[0])


def test_it_stands_on_home_and_among_the_unread_with_its_words(panel: Panel, agent: Visitor) -> None:
    home = agent.get("/")
    assert "1 person may want to stop" in home
    assert "1 conversation has unread replies" in home
    for show in ("stop", "unread"):
        assert f"/inbox/1/?show={show}" in agent.get(f"/inbox/?show={show}")
    page = agent.get("/inbox/1/")
    assert "They may want to stop:" in page
    assert "stop it please now" in page
    viewer = panel.of(Role.VIEWER)
    assert "Unsubscribe them" not in viewer.get("/inbox/1/")
    viewer.refused("/inbox/1/unsubscribe", status=403, until=_until(agent))


def test_one_click_unsubscribes_them_with_their_message_as_the_proof(panel: Panel, agent: Visitor) -> None:
    assert _consent(panel) is Consent.SUBSCRIBED
    until = _until(agent)
    with panel.rt.database.write() as session:
        message = session.scalars(select(Message).where(Message.wamid == "wamid.doubt")).one()
        message.recipient_id = session.scalars(select(Recipient.id).order_by(Recipient.id)).first()
    assert "Unsubscribed." in agent.post("/inbox/1/unsubscribe", until=until)
    assert _consent(panel) is Consent.UNSUBSCRIBED
    with panel.rt.database.read() as session:
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
        assert event is not None
        assert (event.proof, event.actor) == ("message wamid.doubt", "agent@example.com")
        assert session.scalars(select(PossibleOptOut)).all() == []
        assert session.get(UnreadReply, 1) is None
        assert session.scalars(select(RecipientOptOut.way)).all() == [OptOutWay.AGENT]
    assert ("agent@example.com", "consent") in panel.audited()
    assert "somebody did it already" in agent.post("/inbox/1/unsubscribe", until=until)


def test_dismissing_it_changes_no_consent(panel: Panel, agent: Visitor) -> None:
    until = _until(agent)
    with panel.rt.database.write() as session:
        mark_possible_opt_outs(session, ["wamid.doubt"], utcnow())
    assert "a new message came" in agent.post("/inbox/1/dismiss", until=until)
    assert "Dismissed." in agent.post("/inbox/1/dismiss", until=_until(agent))
    assert _consent(panel) is Consent.SUBSCRIBED
    assert "/inbox/1/?show=unread" not in agent.get("/inbox/?show=unread")
    assert "may want to stop" not in agent.get("/")
    assert ("agent@example.com", "change") in panel.audited()


@pytest.mark.parametrize("until", ["", "now", "2026-11-20T10:00:00"])
def test_a_moment_that_no_page_showed_is_refused(agent: Visitor, until: str) -> None:
    agent.refused("/inbox/1/dismiss", until=until)


def test_it_is_gone_once_they_are_unsubscribed_by_other_means(panel: Panel, agent: Visitor) -> None:
    with panel.rt.database.write() as session:
        contact_id = session.get_one(Conversation, 1).contact_id
        set_consent(session, [contact_id], Consent.UNSUBSCRIBED, utcnow(), source="test")
    assert "They may want to stop" not in agent.get("/inbox/1/")
