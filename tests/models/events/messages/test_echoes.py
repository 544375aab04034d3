"""What the business writes in its phone app is shown as ours and takes the conversation, whenever and however often it comes."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.conversations.cases import attend_case, close_case, open_case
from models.conversations.flow_sessions import NewSession, begin_sessions
from models.conversations.flow_versions import save_flow
from models.conversations.messages import NewMessage, queue_messages
from models.events.types import Sender
from models.tables.audit import Audit
from models.tables.contact import Consent, Contact
from models.tables.conversation import PHONE_APP_AUTHOR, CaseStatus, Conversation, Direction, Message, MessageState
from models.tables.flow import FlowSession, SessionStatus
from models.tables.number import Number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation
from tests.support.inbound_messages import SAID_AT, at, recorded, sent_to, store
from tests.support.one_flow import DEFINITION
from tests.support.routing import echo, open_holders, store_all


def ours(session: Session) -> list[tuple[str, str | None, str | None]]:
    rows = session.scalars(select(Message).where(Message.direction == Direction.OUT).order_by(Message.at, Message.id))
    return [(row.type, row.body, row.author) for row in rows]


def test_an_echo_is_shown_as_ours_and_its_author_has_the_case(session: Session, number: Number) -> None:
    contact = alice(session)
    assert store_all(session, echo()).stored == 1
    message = session.scalars(select(Message)).one()
    assert (message.direction, message.state, message.body, message.author, message.at) == (
        Direction.OUT, MessageState.ACCEPTED, "written on a phone", PHONE_APP_AUTHOR, SAID_AT,
    )  # fmt: skip
    talk = session.get_one(Conversation, message.conversation_id)
    assert (talk.contact_id, talk.last_message_at, talk.last_inbound_at) == (contact.id, SAID_AT, None)
    assert open_holders(session) == [(CaseStatus.ATTENDING, PHONE_APP_AUTHOR)]
    assert session.scalars(select(Audit.action)).all() == ["open"]


def test_the_bot_that_talks_with_them_stops_and_what_it_has_queued_is_not_sent(
    session: Session, number: Number
) -> None:
    contact = alice(session)
    talk = make_conversation(session, contact, number)
    save_flow(session, "hello", "…", DEFINITION, NOW, "cli")
    begin_sessions(session, [NewSession(contact.id, number.id, 1, None, {})], NOW)
    [queued] = queue_messages(session, [NewMessage(talk.id, {"type": "text", "text": {"body": "bot"}})], NOW)
    store_all(session, echo())
    assert session.scalars(select(FlowSession.status)).all() == [SessionStatus.ENDED]
    assert session.get_one(Message, queued).state is MessageState.NOT_SENT


def test_an_echo_that_comes_twice_is_stored_once(session: Session, number: Number) -> None:
    assert store_all(session, echo(), echo()).repeated == 1
    assert store_all(session, echo()).repeated == 1
    assert len(ours(session)) == 1


def test_an_echo_of_a_campaigns_message_and_one_of_a_strange_number_are_none(session: Session, number: Number) -> None:
    sent_to(session, number, alice(session), wamid="wamid.echo")
    result = store_all(session, echo(), echo(wamid="x", phone_number_id="999"))
    assert (result.stored, result.repeated, result.strangers) == (0, 1, 1)


@pytest.mark.parametrize("sender", [Sender("34600000077"), Sender(None, "ES.77"), Sender("34600000077", "ES.77")])
def test_an_echo_to_somebody_unknown_makes_them_known_without_consent(
    session: Session, number: Number, sender: Sender
) -> None:
    store_all(session, echo(sender=sender), echo(wamid="again", sender=sender))
    contact = session.scalars(select(Contact)).one()
    assert (contact.consent, session.scalars(select(Conversation.contact_id)).all()) == (Consent.UNKNOWN, [contact.id])


def test_the_dialled_spelling_of_a_number_is_the_same_person(session: Session, number: Number) -> None:
    store(session, recorded("brazil_without_nine"))
    wa_id = session.scalars(select(Contact.wa_id)).one()
    assert wa_id is not None
    store_all(session, echo(sender=Sender(wa_id[:4] + "9" + wa_id[4:])))
    assert session.scalar(select(func.count()).select_from(Contact)) == 1
    assert session.scalars(select(Contact.wa_id)).one() == wa_id


def test_edits_and_deletions_change_the_echo_in_whatever_order_they_come(session: Session, number: Number) -> None:
    for place, order in enumerate(permutations(("echo_phone_app", "echo_edit"))):
        suffix = f".{place}"
        for name in order:
            context = None if name == "echo_phone_app" else f"wamid.echo{suffix}"
            wamid = f"wamid.echo{suffix}" if context is None else f"edit{suffix}"
            store_all(session, echo(name, wamid=wamid, context_wamid=context))
        body = session.scalars(select(Message.body).where(Message.wamid == f"wamid.echo{suffix}")).one()
        assert body == "written on a phone, twice"
    store_all(session, echo("echo_revoke", context_wamid="wamid.echo.0"))
    revoked = session.scalars(select(Message).where(Message.wamid == "wamid.echo.0")).one()
    assert (revoked.body, revoked.payload) == (None, {"revoked": True})


def test_an_echo_changes_nothing_that_the_person_wrote(session: Session, number: Number) -> None:
    said = recorded("text")
    store(session, said)
    store_all(session, echo("echo_revoke", context_wamid=said.wamid), echo("echo_edit", context_wamid=said.wamid))
    assert session.scalars(select(Message.body).where(Message.wamid == said.wamid)).one() == said.text


@pytest.mark.parametrize("name", ["echo_edit", "echo_revoke"])
def test_who_only_edits_or_deletes_takes_no_conversation(session: Session, number: Number, name: str) -> None:
    alice(session)
    store_all(session, echo(name))
    assert open_holders(session) == []


def test_media_are_kept_as_they_are(session: Session, number: Number) -> None:
    store_all(session, echo("echo_image"))
    message = session.scalars(select(Message)).one()
    assert message.payload is not None
    assert (message.type, message.body, message.payload["image"]["id"]) == ("image", "The green one", "65463453")
    assert open_holders(session) == [(CaseStatus.ATTENDING, PHONE_APP_AUTHOR)]


def test_an_open_case_keeps_its_agent_and_no_longer_waits(session: Session, number: Number) -> None:
    contact = alice(session)
    open_case(session, contact.id, NOW, opened_by="bot")
    store_all(session, echo())
    assert open_holders(session) == [(CaseStatus.ATTENDING, PHONE_APP_AUTHOR)]
    attend_case(session, contact.id, "ann@example.com")
    store(session, recorded("text", at=at(60), sender=Sender("34600000001")))
    assert open_holders(session) == [(CaseStatus.WAITING, "ann@example.com")]
    store_all(session, echo(wamid="second", at=at(120)))
    assert open_holders(session) == [(CaseStatus.ATTENDING, "ann@example.com")]


@pytest.mark.parametrize("first", ["echo", "message"])
def test_whoever_wrote_after_the_echo_waits_and_whoever_wrote_before_it_does_not(
    session: Session, number: Number, first: str
) -> None:
    """Whichever of the two webhooks comes first."""
    alice(session)
    before, after = (recorded("text", wamid=name, at=at(seconds)) for name, seconds in (("b", -60), ("a", 60)))
    steps: list[Callable[[], object]] = [lambda: store_all(session, echo()), lambda: store(session, before)]
    for step in steps if first == "echo" else reversed(steps):
        step()
    assert open_holders(session) == [(CaseStatus.ATTENDING, PHONE_APP_AUTHOR)]
    store(session, after)
    assert open_holders(session) == [(CaseStatus.WAITING, PHONE_APP_AUTHOR)]
    store_all(session, echo(wamid="late", at=at(30)))
    assert open_holders(session) == [(CaseStatus.WAITING, PHONE_APP_AUTHOR)]


def test_an_echo_from_before_a_case_was_closed_opens_none(session: Session, number: Number) -> None:
    contact = alice(session)
    open_case(session, contact.id, SAID_AT - timedelta(hours=1), opened_by="bot")
    close_case(session, contact.id, at(60), closed_by="ann@example.com")
    store_all(session, echo())
    assert open_holders(session) == []
    assert ours(session) == [("text", "written on a phone", PHONE_APP_AUTHOR)]
    store_all(session, echo(wamid="later", at=at(90)))
    assert open_holders(session) == [(CaseStatus.ATTENDING, PHONE_APP_AUTHOR)]
