"""What people write: stored once, in its window, counted as a reply, obeyed where it is STOP."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.webhooks.parse import parse_payload
from models.clock import from_unix
from models.contacts.identity import Identity
from models.contacts.resolve import find_contact, resolve_contact
from models.conversations.flow_versions import save_flow
from models.db.engine import Database
from models.events.messages.store import InboundResult, store_inbound
from models.events.types import InboundMessage, PressedButton, Sender
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Consent, ConsentEvent, Contact, ContactIdentity
from models.tables.conversation import REFERS, Conversation, Direction, Message, MessageState, PurgedWamid, wamid_hash
from models.tables.engagement import Engagement
from models.tables.flow import FlowSession, FlowVersion
from models.tables.number import Number
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.factories import (
    NOW,
    alice,
    make_campaign,
    make_contact,
    make_conversation,
    make_number,
    make_recipient,
)
from tests.support.paths import WEBHOOKS

MINE = "inst"
SAID_AT = from_unix(1795341600)


def at(seconds: float) -> datetime:
    return SAID_AT + timedelta(seconds=seconds)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        yield opened


@pytest.fixture
def number(session: Session) -> Number:
    return make_number(session, phone_number_id="106540352242922")


def recorded(name: str, **values: Any) -> InboundMessage:
    [message] = parse_payload((WEBHOOKS / f"message_{name}.json").read_bytes()).inbound
    return replace(message, **values)


def store(session: Session, *messages: InboundMessage) -> InboundResult:
    session.flush()
    result = store_inbound(session, messages, NOW, MINE)
    session.expire_all()
    return result


def stored(session: Session, name: str) -> Message:
    return session.scalars(select(Message).where(Message.wamid == f"wamid.in.message_{name}")).one()


def sent_to(
    session: Session, number: Number, contact: Contact, accepted_at: datetime = SAID_AT, **values: Any
) -> Recipient:
    given: dict[str, Any] = {
        "state": RecipientState.ACCEPTED,
        "accepted_at": accepted_at,
        "wamid": "wamid.campaign",
        "attempts": 1,
    }
    row = make_recipient(session, make_campaign(session, number), contact, **(given | values))
    session.expire(row)
    return row


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
    found = parse_payload((WEBHOOKS / f"message_{name}.json").read_bytes())
    assert store(session, *found.inbound).stored == len(found.inbound)


def test_a_reply_is_counted_once_by_its_context_and_keeps_its_earliest_time(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session))
    store(session, recorded("quote", at=at(50)))
    store(session, recorded("template_button", at=at(40)))
    store(session, recorded("quote", at=at(60), wamid="another"))
    assert (row.replied_at, row.is_replied, row.status) == (at(40), True, "sent")
    assert stored(session, "quote").recipient_id == row.id


def test_a_pressed_button_without_a_context_names_its_recipient(session: Session, number: Number) -> None:
    person = alice(session)
    older, newer = (
        sent_to(session, number, person, wamid="w1"),
        sent_to(session, number, person, wamid="w2", accepted_at=at(5)),
    )
    store(session, recorded("template_button_without_context", at=at(9), pressed=PressedButton(MINE, older.id, 1)))
    assert (older.replied_at, newer.replied_at) == (at(9), None)


def test_a_button_of_another_installation_or_person_names_nobody(session: Session, number: Number) -> None:
    other = sent_to(session, number, make_contact(session))
    for place, installation in enumerate((MINE, "other")):
        pressed = PressedButton(installation, other.id, 1)
        store(session, recorded("template_button_without_context", wamid=f"b{place}", pressed=pressed))
    assert other.replied_at is None


def test_an_answer_to_the_bot_counts_for_the_campaign_that_the_bot_speaks_for(session: Session, number: Number) -> None:
    person = alice(session)
    row = sent_to(session, number, person, wamid="w1")
    sent_to(session, number, person, wamid="w2", accepted_at=at(5))
    chat = make_conversation(session, person, number)
    session.add(
        Message(
            conversation_id=chat.id, direction=Direction.OUT, state=MessageState.ACCEPTED, type="text", at=NOW,
            wamid="wamid.campaign", recipient_id=row.id,
        )
    )  # fmt: skip
    store(session, recorded("reply_button", at=at(9)))
    assert row.replied_at == at(9)


def test_plain_text_answers_what_was_sent_last_from_that_number(session: Session, number: Number) -> None:
    person = alice(session)
    elsewhere = sent_to(session, make_number(session), person, wamid="w0", accepted_at=at(8))
    older, newer = (
        sent_to(session, number, person, wamid="w1"),
        sent_to(session, number, person, wamid="w2", accepted_at=at(5)),
    )
    later = sent_to(session, number, person, wamid="w3", accepted_at=at(500))
    store(session, recorded("text", at=at(9)))
    assert [row.replied_at for row in (elsewhere, older, newer, later)] == [None, None, at(9), None]


def test_plain_text_answers_the_engagement_before_anything_newer(session: Session, number: Number) -> None:
    person = alice(session)
    engaged = sent_to(session, number, person, wamid="w1", accepted_at=SAID_AT - timedelta(days=20))
    newer = sent_to(session, number, person, wamid="w2")
    session.add(
        Engagement(person_key=person.person_key, campaign_id=engaged.campaign_id, contact_id=person.id, created_at=NOW)
    )
    store(session, recorded("text", at=at(9)))
    assert (engaged.replied_at, newer.replied_at) == (at(9), None)


def test_the_lock_of_an_ended_campaign_that_was_not_removed_yet_holds_no_answer(
    session: Session, number: Number
) -> None:
    person = alice(session)
    ended = sent_to(session, number, person, wamid="w1", accepted_at=SAID_AT - timedelta(days=20))
    session.add(
        Engagement(person_key=person.person_key, campaign_id=ended.campaign_id, contact_id=person.id, created_at=NOW)
    )
    session.execute(update(Campaign).values(status=CampaignStatus.ENDED, ended_at=NOW))
    newer = sent_to(session, number, person, wamid="w2")
    store(session, recorded("text", at=at(9)))
    assert (ended.replied_at, newer.replied_at) == (None, at(9))


def test_a_message_that_refers_to_its_campaign_says_so_until_it_is_answered(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session))
    store(session, recorded("quote", at=at(5)), recorded("text", at=at(6)), recorded("reaction", at=at(7)))
    kept = {name: (stored(session, name).recipient_id, stored(session, name).route) for name in ("quote", "text")}
    assert kept == {"quote": (row.id, REFERS), "text": (row.id, None)}
    assert stored(session, "reaction").route is None  # nobody answers it


def test_after_seven_days_plain_text_answers_no_campaign(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session), accepted_at=SAID_AT - timedelta(days=7, minutes=1))
    store(session, recorded("text"))
    assert row.replied_at is None


def test_a_reaction_is_no_reply(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session))
    store(session, recorded("reaction", at=at(9)))
    assert (row.replied_at, stored(session, "reaction").recipient_id) == (None, row.id)


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


def pending(session: Session, **values: Any) -> Contact:
    return alice(session, **({"consent": Consent.PENDING, "consent_at": at(-60)} | values))


@pytest.mark.parametrize("said", [{"confirms": True}, {"word": "start"}])
def test_who_is_pending_is_subscribed_by_their_own_yes_or_start(
    session: Session, number: Number, said: dict[str, Any]
) -> None:
    person = pending(session)
    store(session, recorded("text", **said))
    assert (person.consent, person.consent_at) == (Consent.SUBSCRIBED, SAID_AT)
    event = session.scalars(select(ConsentEvent)).one()
    assert (event.before, event.actor, event.proof) == (Consent.PENDING, "person", "message wamid.in.message_text")


@pytest.mark.parametrize(
    "consent", [consent for consent in Consent if consent not in {Consent.PENDING, Consent.REDACTED}]
)
def test_a_yes_of_who_is_not_pending_changes_nothing(session: Session, number: Number, consent: Consent) -> None:
    person = alice(session, consent=consent)
    store(session, recorded("text", confirms=True))
    assert person.consent is consent
    assert stored(session, "text").route is None


def test_a_yes_from_before_the_question_or_before_a_stop_changes_nothing(session: Session, number: Number) -> None:
    person = pending(session, consent_at=at(60))
    store(session, recorded("text", confirms=True))
    assert person.consent.value == "pending"
    store(session, recorded("text", wamid="w2", word="stop", at=at(90)))
    store(session, recorded("text", wamid="w3", confirms=True, at=at(80)))
    assert person.consent.value == "unsubscribed"


def test_a_yes_to_a_bot_flow_that_asks_something_is_no_consent(session: Session, number: Number) -> None:
    person = pending(session)
    save_flow(session, "pizza", "name: pizza", {}, NOW, "ana@example.com")
    version = session.scalars(select(FlowVersion)).one()
    session.add(
        FlowSession(
            contact_id=person.id,
            number_id=number.id,
            flow_version_id=version.id,
            state={},
            started_at=at(-9),
            updated_at=at(-9),
        )
    )
    store(session, recorded("text", confirms=True))
    assert person.consent is Consent.PENDING


def test_whoever_writes_is_on_whatsapp(session: Session, number: Number) -> None:
    person = alice(session, undeliverable_count=2)
    store(session, recorded("text"))
    assert person.undeliverable_count == 0


def test_an_edit_changes_the_stored_message_whichever_came_first(session: Session, number: Number) -> None:
    store(session, recorded("edit"))
    store(session, recorded("text"))
    assert stored(session, "text").body == "When do you close?"
    store(session, recorded("edit", wamid="e2", at=at(30), text="an older edit"))
    assert stored(session, "text").body == "When do you close?"


def test_a_revoked_message_keeps_nothing_of_its_content(session: Session, number: Number) -> None:
    store(session, recorded("text"), recorded("edit"), recorded("revoke"))
    message = stored(session, "text")
    assert (message.body, message.payload, stored(session, "edit").body) == (None, {"revoked": True}, None)


def test_nobody_revokes_anothers_message(session: Session, number: Number) -> None:
    store(session, recorded("text"))
    store(session, recorded("revoke", sender=Sender("34600000099")))
    assert stored(session, "text").body == "When do you open?"


def test_a_changed_number_moves_the_contact(session: Session, number: Number) -> None:
    person = alice(session)
    store(session, recorded("text"))
    store(session, recorded("number_change"))
    store(session, recorded("text", wamid="later", sender=Sender("34600000091", "ES.2200000000000000000"), at=at(60)))
    assert (person.wa_id, person.phone, person.consent) == ("34600000091", "+34600000091", Consent.SUBSCRIBED)
    assert [identity.bsuid for identity in person.identities] == ["ES.2200000000000000000"]
    assert session.scalar(select(func.count()).select_from(Contact).where(Contact.merged_into_id.is_(None))) == 1
    assert session.scalar(select(func.count()).select_from(Conversation)) == 1


@pytest.mark.parametrize("bsuid", ["ES.13491208655302741918", None])
def test_a_stop_from_the_former_number_that_comes_late_unsubscribes_the_person(
    session: Session, number: Number, bsuid: str | None
) -> None:
    person = alice(session)
    store(session, recorded("text"))
    store(session, recorded("number_change", at=at(30)))
    former = Sender("34600000001", bsuid)
    late = recorded("text", wamid="late", sender=former, at=at(20), text="STOP", word="stop")
    store(session, late)
    assert (person.consent, person.wa_id, person.phone) == (Consent.UNSUBSCRIBED, "34600000091", "+34600000091")
    assert session.scalar(select(func.count()).select_from(Contact)) == 1
    assert stored(session, "text").conversation.contact_id == person.id
    assert resolve_contact(session, Identity(phone="+34600000001"), NOW, "shopify") == person.id
    assert person.wa_id == "34600000091"


@pytest.mark.parametrize("together", [True, False])
def test_who_writes_from_a_number_after_the_person_left_it_is_somebody_else(
    session: Session, number: Number, together: bool
) -> None:
    person = alice(session)
    store(session, recorded("text"))
    moved = recorded("number_change", at=at(30))
    stranger = recorded("text", wamid="s", sender=Sender("34600000001", "ES.77"), at=at(99), text="STOP", word="stop")
    for batch in ([moved, stranger],) if together else ([moved], [stranger]):
        store(session, *batch)
    other = session.scalars(select(Message).where(Message.wamid == "s")).one().conversation.contact
    assert (other.id != person.id, other.consent) == (True, Consent.UNSUBSCRIBED)
    assert (person.consent, person.wa_id) == (Consent.SUBSCRIBED, "34600000091")
    found = find_contact(session, "+34600000001")
    assert found is not None
    assert found.id == other.id
    # What the person said before still comes with the id that was theirs.
    late = recorded("text", wamid="late", sender=Sender("34600000001", "ES.13491208655302741918"), at=at(20))
    store(session, late)
    assert session.scalars(select(Message).where(Message.wamid == "late")).one().conversation.contact_id == person.id


def test_a_person_who_wrote_from_the_new_number_before_we_were_told_stays_one(session: Session, number: Number) -> None:
    person = alice(session)
    store(session, recorded("text", wamid="early", sender=Sender("34600000091", "ES.2200000000000000000"), at=at(60)))
    store(session, recorded("number_change"))
    found = session.scalars(select(Contact).where(Contact.merged_into_id.is_(None))).all()
    assert [(one.id, one.wa_id) for one in found] == [(person.id, "34600000091")]
    conversation = session.scalars(select(Conversation)).one()
    assert conversation.contact_id == person.id


def test_a_batch_in_which_somebody_takes_over_a_number_keeps_two_people_apart(session: Session, number: Number) -> None:
    mine, theirs, new = Sender("34600000001", "ES.1"), Sender("34600000091", "ES.91"), Sender("34600000091", "ES.2")
    store(session, recorded("text", wamid="a", sender=mine), recorded("text", wamid="b", sender=theirs))
    moved = recorded("number_change", sender=mine, moved_to=new, at=at(5))
    store(session, moved, recorded("text", wamid="c", sender=new, at=at(9)))
    of = {message.wamid: message.conversation.contact_id for message in session.scalars(select(Message))}
    assert of["a"] == of["c"] != of["b"]
    assert session.scalar(select(func.count()).select_from(Contact).where(Contact.merged_into_id.is_(None))) == 2


def test_a_record_that_has_the_very_wa_id_under_another_key_is_the_same_person(
    session: Session, number: Number
) -> None:
    person = alice(session)
    other = make_contact(session, None, wa_id="34600000001", person_key="c:77", now=at(60))
    assert store(session, recorded("text")).stored == 1
    assert (other.merged_into_id, person.wa_id) == (person.id, "34600000001")


def test_a_person_with_a_username_is_known_without_a_phone(session: Session, number: Number) -> None:
    store(session, recorded("username"))
    store(session, recorded("username", wamid="again"))
    person = session.scalars(select(Contact)).one()
    assert (person.phone, person.wa_id, person.username, person.name) == (None, None, "maria.silva", "Maria")


@pytest.mark.parametrize(
    ("name", "phone"),
    [
        ("brazil_without_nine", "+5531987654321"),
        ("mexico_with_one", "+525512345678"),
        ("argentina_with_nine", "+5491123456789"),
    ],
)
def test_the_spellings_of_one_number_are_one_person(session: Session, number: Number, name: str, phone: str) -> None:
    person = make_contact(session, phone)
    written = recorded(name)
    other = replace(written.sender, wa_id=phone.removeprefix("+"))
    store(session, written, recorded(name, wamid="other", sender=other))
    assert {message.conversation.contact_id for message in session.scalars(select(Message))} == {person.id}
    assert session.scalars(select(Contact.id)).all() == [person.id]


def test_a_number_that_changed_without_being_told_brings_the_new_bsuid(session: Session, number: Number) -> None:
    person = alice(session)
    store(session, recorded("text"))
    store(session, recorded("number_change_bsuid"))
    assert [identity.bsuid for identity in person.identities] == ["ES.2200000000000000000"]
    assert (person.wa_id, session.scalar(select(func.count()).select_from(Contact))) == ("34600000001", 1)


def test_the_id_of_a_parent_portfolio_is_kept_beside_the_persons_own(session: Session, number: Number) -> None:
    store(session, recorded("parent_bsuid"))
    kept = session.scalars(select(ContactIdentity)).one()
    assert (kept.bsuid, kept.parent_bsuid) == ("ES.13491208655302741918", "ES.ENT.11815799212886844830")


def test_many_people_at_once_are_stored_in_one_batch(session: Session, number: Number) -> None:
    messages = [recorded("text", wamid=f"m{n}", sender=Sender(f"346000100{n:02d}"), at=at(n)) for n in range(60)]
    result = store(session, *messages)
    assert (result.stored, len(result.conversations)) == (60, 60)
    assert store(session, *(replace(one, wamid=f"{one.wamid}b") for one in messages)).stored == 60
    assert session.scalar(select(func.count()).select_from(Contact)) == 60


def test_a_known_persons_first_reply_teaches_their_ids_and_keeps_their_name(session: Session, number: Number) -> None:
    person = alice(session, name="Dr Alice", username=None)
    store(session, recorded("text"), recorded("quote", sender=Sender("34600000001", "ES.2", None, "Al", "al.ice")))
    assert (person.wa_id, person.name, person.username, person.has_identity) == (
        "34600000001",
        "Dr Alice",
        "al.ice",
        True,
    )
    assert {identity.bsuid for identity in person.identities} == {"ES.13491208655302741918", "ES.2"}


def test_a_bsuid_that_another_record_holds_goes_to_who_shows_it_with_a_number(session: Session, number: Number) -> None:
    store(session, recorded("text", wamid="first", sender=Sender(None, "ES.13491208655302741918", None, "A.")))
    person = alice(session)
    store(session, recorded("text"), recorded("quote"))
    found = session.scalars(select(Contact).where(Contact.merged_into_id.is_(None))).all()
    assert len(found) == 1
    assert (found[0].phone, found[0].consent) == (person.phone or "+34600000001", Consent.SUBSCRIBED)
    assert session.scalar(select(func.count()).select_from(Message)) == 3
    assert {message.conversation.contact_id for message in session.scalars(select(Message))} == {found[0].id}


def test_a_campaign_is_not_needed(session: Session, number: Number) -> None:
    store(session, recorded("text"))
    assert session.scalars(select(Campaign)).all() == []
    assert stored(session, "text").recipient_id is None
