"""While another responder has a conversation its messages are shown to us, and an opt-out in them counts."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversations.cases import open_case
from models.conversations.unread import count_unread
from models.tables.contact import Consent
from models.tables.conversation import RESPONDER_AUTHOR, STANDBY, CaseStatus, Conversation, Message
from models.tables.conversation_control import Responder
from models.tables.number import Number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.inbound_messages import SAID_AT, at, recorded, sent_to, store
from tests.support.routing import echo, on_standby, open_holders, responders, store_all


def test_a_message_on_standby_is_stored_and_shown_and_waits_for_nobody(session: Session, number: Number) -> None:
    contact = alice(session)
    campaign = sent_to(session, number, contact, at(-60))
    result = store(session, on_standby())
    message = session.scalars(select(Message)).one()
    assert (result.stored, result.conversations) == (1, [])
    assert (message.body, message.route, message.handled_at, message.recipient_id) == (
        "Do you have it in green?", STANDBY, NOW, campaign.id,
    )  # fmt: skip
    assert session.scalars(select(Conversation.last_inbound_at)).one() == SAID_AT
    assert (responders(session), count_unread(session), campaign.replied_at) == ([Responder.OTHER], 0, SAID_AT)


def test_a_stop_on_standby_is_obeyed(session: Session, number: Number) -> None:
    contact = alice(session)
    store(session, on_standby("standby_stop"))
    assert contact.consent is Consent.UNSUBSCRIBED


@pytest.mark.parametrize("word", ["START", "yes"])
def test_a_start_on_standby_may_be_meant_for_the_other_responder(session: Session, number: Number, word: str) -> None:
    contact = alice(session, consent=Consent.PENDING if word == "yes" else Consent.UNSUBSCRIBED)
    before = contact.consent
    store(session, on_standby("standby_stop", text=word, word=None))
    assert contact.consent is before


def test_a_case_does_not_wait_for_what_another_responder_answers(session: Session, number: Number) -> None:
    open_case(session, alice(session).id, NOW, opened_by="bot", agent="ann@example.com")
    store(session, on_standby(), on_standby(wamid="u", type="unsupported"))
    assert open_holders(session) == [(CaseStatus.ATTENDING, "ann@example.com")]
    assert count_unread(session) == 0


def test_what_another_responder_wrote_is_shown_as_theirs_and_opens_no_case(session: Session, number: Number) -> None:
    alice(session)
    store_all(session, echo("standby_echo"))
    message = session.scalars(select(Message)).one()
    assert (message.body, message.author) == ("I am the other assistant.", RESPONDER_AUTHOR)
    assert (responders(session), open_holders(session)) == ([Responder.OTHER], [])


def test_a_message_that_is_delivered_to_us_gives_the_conversation_back(session: Session, number: Number) -> None:
    alice(session)
    store(session, on_standby())
    late = recorded("text", wamid="late", at=at(-60))
    assert store(session, late).conversations == [1]
    assert responders(session) == [Responder.OTHER]
    store(session, recorded("text", at=at(60)))
    assert responders(session) == [Responder.US]


def test_a_standby_that_comes_after_what_followed_it_takes_nothing(session: Session, number: Number) -> None:
    alice(session)
    store(session, recorded("text", at=at(60)))
    store(session, on_standby())
    assert responders(session) == [Responder.US]


def test_what_whatsapp_itself_tells_about_a_person_gives_nothing_back(session: Session, number: Number) -> None:
    alice(session)
    store(session, on_standby())
    store(session, recorded("identity_change", at=at(60)))
    assert responders(session) == [Responder.OTHER]
