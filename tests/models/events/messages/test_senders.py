"""Who wrote: numbers that change or have other spellings, ids, and two people on one number."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.contacts.identity import Identity
from models.contacts.lookup import find_contact
from models.contacts.resolve import resolve_contact
from models.events.types import Sender
from models.tables.contact import Consent, Contact, ContactIdentity
from models.tables.conversation import Conversation, Message
from models.tables.number import Number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.inbound_messages import at, recorded, store, stored


def test_whoever_writes_is_on_whatsapp(session: Session, number: Number) -> None:
    person = alice(session, undeliverable_count=2)
    store(session, recorded("text"))
    assert person.undeliverable_count == 0


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
