"""What people write: stored once, in its window, obeyed where it is STOP."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.webhooks.parse import parse_payload
from models.conversations.cases import open_case
from models.conversations.unread import count_unread
from models.tables.contact import Consent, ConsentEvent
from models.tables.conversation import (
    Case,
    CaseStatus,
    Conversation,
    Direction,
    Message,
    MessageState,
    PurgedWamid,
    wamid_hash,
)
from models.tables.number import Number
from models.tables.recipient import NotSent, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.inbound_messages import SAID_AT, at, recorded, store, stored
from tests.support.paths import WEBHOOKS


def test_a_message_is_stored_with_what_a_person_reads(session: Session, number: Number) -> None:
    result = store(session, recorded("quote"))
    message = stored(session, "quote")
    assert (message.direction, message.state, message.type, message.body) == (
        Direction.IN,
        MessageState.RECEIVED,
        "text",
        "yes",
    )
    assert (message.at, message.context_wamid, message.handled_at) == (SAID_AT, "wamid.campaign", None)
    assert message.payload is not None
    assert message.payload["text"] == {"body": "yes"}
    assert result.conversations == [message.conversation_id]
    person = message.conversation.contact
    assert (person.wa_id, person.phone, person.name, person.last_inbound_at) == (
        "34600000001",
        "+34600000001",
        "Alice",
        SAID_AT,
    )


def test_a_message_is_stored_once_however_often_it_comes(session: Session, number: Number) -> None:
    assert store(session, recorded("text"), recorded("text")).stored == 1
    again = store(session, recorded("text"), recorded("quote"))
    assert (again.stored, again.repeated) == (1, 1)
    assert session.scalar(select(func.count()).select_from(Conversation)) == 1


def test_a_purged_message_does_not_come_back(session: Session, number: Number) -> None:
    session.add(PurgedWamid(hash=wamid_hash("wamid.in.message_text"), expires_at=NOW))
    assert (store(session, recorded("text")).stored, session.scalar(select(func.count()).select_from(Message))) == (
        0,
        0,
    )


def test_a_message_to_a_number_that_is_not_ours_is_counted(session: Session) -> None:
    assert store(session, recorded("text")).strangers == 1


def test_the_window_opens_by_metas_time_and_never_backwards(session: Session, number: Number) -> None:
    store(session, recorded("text", at=at(60)))
    store(session, recorded("quote", at=at(0)))
    [conversation] = session.scalars(select(Conversation)).all()
    assert (conversation.last_inbound_at, conversation.last_message_at) == (at(60), at(60))


@pytest.mark.parametrize("name", ["reaction", "number_change", "identity_change", "edit", "revoke"])
def test_what_says_something_about_the_chat_opens_no_window_and_starts_no_bot(
    session: Session, number: Number, name: str
) -> None:
    result = store(session, recorded(name))
    message = stored(session, name)
    assert (message.handled_at, message.conversation.last_inbound_at, result.conversations) == (NOW, None, [])


def test_an_unsupported_message_opens_the_window_and_starts_no_bot(session: Session, number: Number) -> None:
    result = store(session, recorded("unsupported"))
    message = stored(session, "unsupported")
    assert (message.handled_at, message.conversation.last_inbound_at, result.conversations) == (NOW, SAID_AT, [])


def test_a_type_that_nobody_knows_yet_is_kept_and_answered(session: Session, number: Number) -> None:
    result = store(session, recorded("future_type"))
    assert (stored(session, "future_type").type, len(result.conversations)) == ("hologram", 1)


@pytest.mark.parametrize("name", sorted(path.stem.removeprefix("message_") for path in WEBHOOKS.glob("message_*.json")))
def test_every_recorded_kind_is_stored(session: Session, number: Number, name: str) -> None:
    store(session, recorded("text", wamid="earlier"))  # a changed user id is of somebody who is known
    found = parse_payload((WEBHOOKS / f"message_{name}.json").read_bytes())
    assert store(session, *found.inbound).stored == len(found.inbound)


def test_a_stop_unsubscribes_at_once_and_cancels_what_is_queued(session: Session, number: Number) -> None:
    person = alice(session)
    row = make_recipient(session, make_campaign(session, number), person)
    session.expire(row)
    store(session, recorded("stop"))
    assert person.consent is Consent.UNSUBSCRIBED
    assert (row.state, row.reason) == (RecipientState.NOT_SENT, NotSent.NOT_SUBSCRIBED)


def test_stop_and_start_count_by_metas_time_not_by_arrival(session: Session, number: Number) -> None:
    person = alice(session)
    start = recorded("text", wamid="start", word="start", at=at(10))
    store(session, start, recorded("stop", at=at(20)))
    assert person.consent.value == "unsubscribed"
    store(session, recorded("text", wamid="s3", word="start", at=at(40)))
    store(session, recorded("stop", wamid="s4", at=at(30)))
    assert person.consent.value == "subscribed"


@pytest.mark.parametrize(
    ("name", "status"),
    [("text", CaseStatus.WAITING), ("unsupported", CaseStatus.WAITING), ("reaction", CaseStatus.ATTENDING)],
)
def test_what_a_person_writes_makes_their_case_wait_for_its_agent(
    session: Session, number: Number, name: str, status: CaseStatus
) -> None:
    person, other = alice(session), make_contact(session)
    for contact in (person, other):
        open_case(session, contact.id, NOW, opened_by="bot", agent="ann@example.com")
    store(session, recorded(name))
    cases = {case.contact_id: (case.status, case.agent) for case in session.scalars(select(Case))}
    assert cases == {person.id: (status, "ann@example.com"), other.id: (CaseStatus.ATTENDING, "ann@example.com")}


@pytest.mark.parametrize(("name", "is_unread"), [("unsupported", True), ("reaction", False), ("text", False)])
def test_what_meta_could_not_pass_on_is_left_to_people(
    session: Session, number: Number, name: str, is_unread: bool
) -> None:
    store(session, recorded(name))
    assert count_unread(session) == is_unread


@pytest.mark.parametrize("consent", [Consent.UNKNOWN, Consent.NOT_SUBSCRIBED, Consent.INVALID, Consent.SUBSCRIBED])
def test_a_start_of_who_never_stopped_changes_no_consent_and_stays_for_the_flow(
    session: Session, number: Number, consent: Consent
) -> None:
    person = alice(session, consent=consent)
    store(session, recorded("text", word="start"))
    session.refresh(person)
    assert (person.consent, stored(session, "text").route) == (consent, None)
    assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 0


def test_a_start_of_who_had_stopped_subscribes_them_and_is_answered_as_one(session: Session, number: Number) -> None:
    person = alice(session, consent=Consent.UNSUBSCRIBED)
    store(session, recorded("text", word="start"))
    session.refresh(person)
    assert (person.consent, stored(session, "text").route) == (Consent.SUBSCRIBED, "start")
