"""A person whose user id changes: everything of theirs follows, whatever the order of Meta's reports."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.contacts.aliases import aliased_contacts
from models.contacts.identity import Identity
from models.contacts.lookup import find_contact
from models.contacts.person_key import person_key
from models.contacts.resolve import merge_pair, resolve_contact
from models.events.types import InboundMessage, Sender
from models.tables.audit import Audit
from models.tables.contact import Consent, Contact, ContactIdentity
from models.tables.conversation import Message
from models.tables.engagement import Engagement
from models.tables.number import Number
from models.tables.tag import ContactTag, Tag
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_case
from tests.support.inbound_messages import at, recorded, store

A, B, C = "ES.13491208655302741918", "ES.2200000000000000000", "ES.3300000000000000000"


def changed(before: str, after: str, seconds: float, *, wamid: str = "") -> InboundMessage:
    """Meta reports that one id replaced another."""
    return recorded(
        "user_id_change",
        wamid=wamid or f"{before}>{after}",
        at=at(seconds),
        sender=Sender(None, before),
        moved_to=Sender(None, after),
    )


def says(bsuid: str | None, seconds: float, text: str = "hello", *, wa_id: str | None = None) -> InboundMessage:
    sender = Sender(wa_id, bsuid)
    said = replace(recorded("text"), wamid=f"{bsuid}{wa_id}{seconds}", at=at(seconds), sender=sender, text=text)
    return replace(said, word="stop") if text == "STOP" else said


def people(session: Session) -> list[Contact]:
    return list(session.scalars(select(Contact).where(Contact.merged_into_id.is_(None)).order_by(Contact.id)))


def ids_of(contact: Contact) -> list[str]:
    return sorted(identity.bsuid for identity in contact.identities)


def tags_of(session: Session, contact: Contact) -> list[str]:
    query = select(Tag.name).join(ContactTag, ContactTag.tag_id == Tag.id).where(ContactTag.contact_id == contact.id)
    return list(session.scalars(query))


def known_by(session: Session, number: Number, bsuid: str, **values: Any) -> Contact:
    contact = make_contact(session, None, has_identity=True, **values)
    portfolio_id = number.waba.portfolio_id
    contact.person_key = person_key(portfolio_id=portfolio_id, bsuid=bsuid)
    session.add(ContactIdentity(contact_id=contact.id, portfolio_id=portfolio_id, bsuid=bsuid, created_at=NOW))
    session.flush()
    return contact


def test_a_person_known_by_their_user_id_alone_keeps_everything(session: Session, number: Number) -> None:
    person = known_by(session, number, A, consent=Consent.SUBSCRIBED, tags={"vip": None})
    campaign, case = make_campaign(session, number), make_case(session, person)
    session.add(Engagement(person_key=person.person_key, campaign_id=campaign.id, contact_id=person.id, created_at=NOW))
    result = store(session, changed(A, B, 10))
    assert (result.stored, result.conversations) == (1, [])
    assert [contact.id for contact in people(session)] == [person.id]
    assert (ids_of(person), person.consent, person.has_identity) == ([B], Consent.SUBSCRIBED, True)
    assert tags_of(session, person) == ["vip"]
    assert case.contact_id == person.id
    assert session.get_one(Engagement, person.person_key).contact_id == person.id
    assert person.identities[0].parent_bsuid is None
    [line] = session.scalars(select(Audit).where(Audit.action == "user_id_changed"))
    assert line.object_id == str(person.id)


@pytest.mark.parametrize("bsuid", [A, B])
def test_a_stop_that_comes_with_the_old_or_the_new_id_is_the_persons(
    session: Session, number: Number, bsuid: str
) -> None:
    person = known_by(session, number, A, consent=Consent.SUBSCRIBED)
    store(session, changed(A, B, 10), says(bsuid, 20, "STOP"))
    assert (person.consent, len(people(session))) == (Consent.UNSUBSCRIBED, 1)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_two_changes_and_of_what_was_said_does_not_matter(
    session: Session, number: Number, order: tuple[int, ...], together: bool
) -> None:
    events = [says(A, 0), changed(A, B, 10), changed(B, C, 20), says(C, 30, "STOP")]
    batch = [events[place] for place in order]
    if together:
        store(session, *batch)
    else:
        for event in batch:
            store(session, event)
    [person] = people(session)
    assert (ids_of(person), person.consent) == ([C], Consent.UNSUBSCRIBED)
    keys = [person_key(portfolio_id=number.waba.portfolio_id, bsuid=one) for one in (A, B)]
    late = store(session, says(A, 5), says(B, 15))
    assert late.stored == 2
    assert len(people(session)) == 1
    assert set(aliased_contacts(session, keys).values()) == {person.id}


def test_the_same_change_told_twice_changes_nothing_more(session: Session, number: Number) -> None:
    person = known_by(session, number, A)
    store(session, changed(A, B, 10), changed(A, B, 10, wamid="again"))
    store(session, changed(A, B, 10, wamid="and again"))
    assert ids_of(person) == [B]
    assert session.scalar(select(func.count()).where(Audit.action == "user_id_changed")) == 1


def test_a_change_of_a_person_who_is_not_known_makes_nobody(session: Session, number: Number) -> None:
    result = store(session, changed(A, B, 10))
    assert (result.stored, result.conversations) == (0, [])
    assert (people(session), session.scalar(select(func.count(Message.id)))) == ([], 0)


def test_who_wrote_with_the_new_id_before_it_was_told_is_the_same_person(session: Session, number: Number) -> None:
    known = known_by(session, number, A, consent=Consent.UNSUBSCRIBED)
    store(session, says(B, 20))
    assert len(people(session)) == 2
    store(session, changed(A, B, 10))
    [person] = people(session)
    assert (person.id, ids_of(person), person.consent) == (known.id, [B], Consent.UNSUBSCRIBED)


def test_who_wrote_from_a_new_number_with_the_new_id_has_that_number(session: Session, number: Number) -> None:
    store(session, says(A, 0, wa_id="34600000001"), says(B, 20, wa_id="34600000091"))
    store(session, changed(A, B, 10))
    [person] = people(session)
    assert (person.wa_id, person.phone, ids_of(person)) == ("34600000091", "+34600000091", [B])
    assert resolve_contact(session, Identity(phone="+34600000001"), NOW, "shopify") == person.id


def test_a_person_who_was_merged_is_found_by_the_id_of_the_merged_record(session: Session, number: Number) -> None:
    first, second = known_by(session, number, A, name="Ann"), make_contact(session, "+34600000002", name="Ann")
    merge_pair(session, first.id, second.id, NOW, "test")
    session.expire_all()
    store(session, changed(A, B, 10))
    [person] = people(session)
    assert (ids_of(person), person.phone) == ([B], "+34600000002")


def test_a_change_of_number_without_a_sender_is_found_by_the_previous_id(session: Session, number: Number) -> None:
    person = known_by(session, number, A, consent=Consent.SUBSCRIBED)
    moved = recorded(
        "number_change", wamid="moved", at=at(10), sender=Sender(None, A), moved_to=Sender("34600000091", B)
    )
    store(session, moved, changed(A, B, 10))
    assert (person.wa_id, person.phone, ids_of(person)) == ("34600000091", "+34600000091", [B])
    assert len(people(session)) == 1


@pytest.mark.parametrize("late_first", [True, False])
def test_a_change_of_number_that_comes_after_a_later_one_does_not_take_the_number_back(
    session: Session, number: Number, late_first: bool
) -> None:
    store(session, says(A, 0, wa_id="34600000001"))
    first = recorded(
        "number_change", wamid="1", at=at(10), sender=Sender("34600000001", A), moved_to=Sender("34600000002", B)
    )
    second = recorded(
        "number_change", wamid="2", at=at(20), sender=Sender("34600000002", B), moved_to=Sender("34600000003", C)
    )
    for event in (second, first) if late_first else (first, second):
        store(session, event)
    [person] = people(session)
    assert (person.wa_id, ids_of(person)) == ("34600000003", [C])


def test_ids_that_changed_in_a_circle_lead_to_one_person(session: Session, number: Number) -> None:
    person = known_by(session, number, A)
    store(session, changed(A, B, 10), changed(B, A, 20), changed(A, B, 30, wamid="third"))
    assert [contact.id for contact in people(session)] == [person.id]
    assert len(ids_of(person)) == 1


def test_a_number_that_was_shared_joins_the_person_who_was_known_by_their_id(session: Session, number: Number) -> None:
    by_id = known_by(session, number, A, name="Ann", consent=Consent.UNSUBSCRIBED)
    by_phone = make_contact(session, "+34600000001", consent=Consent.SUBSCRIBED, tags={"vip": None})
    shared = recorded("shared_number", sender=Sender("34600000001", A))
    store(session, shared)
    [person] = people(session)
    assert person.id in {by_id.id, by_phone.id}
    assert (person.phone, person.wa_id, ids_of(person)) == ("+34600000001", "34600000001", [A])
    assert (person.consent, tags_of(session, person)) == (Consent.UNSUBSCRIBED, ["vip"])
    assert find_contact(session, "+34600000001") is person
