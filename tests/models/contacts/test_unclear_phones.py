"""Numbers that lost their plus: grouped by what they may mean, and settled when somebody says which it is."""

from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.lookup import find_contact
from models.contacts.phone import mask_phone, readings
from models.contacts.unclear_phones import (
    INTERNATIONAL,
    Collision,
    MendTally,
    Reading,
    collisions_of,
    has_unclear_phones,
    settle_unclear,
    unclear_groups,
)
from models.db.engine import Database
from models.tables.contact import Contact, PhoneProblem, Suppression
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

SPANISH, OTHER_SPANISH = "34600640001", "34600640002"
FRENCH = "33612345678"


def _unclear(session: Session, raw: str, **values: Any) -> Contact:
    return make_contact(session, raw_phone=raw, phone_problem=PhoneProblem.UNCLEAR_PHONE, **values)


def _settle(session: Session, ids: list[int], reading: Reading = INTERNATIONAL, **more: Any) -> MendTally:
    return settle_unclear(session, ids, reading, NOW, lambda key: (f"hash of {key}",), **more)


def test_the_numbers_of_these_tests_are_unclear() -> None:
    assert readings(SPANISH, "DE") == ("+34600640001", "+4934600640001")
    assert len(readings(FRENCH, "DE")) == 2


def test_people_are_grouped_by_what_their_number_may_mean(session: Session) -> None:
    assert not has_unclear_phones(session)
    for raw in (SPANISH, OTHER_SPANISH, FRENCH):
        _unclear(session, raw)
    make_contact(session, raw_phone="12", phone_problem=PhoneProblem.INVALID_PHONE)
    groups, is_whole = unclear_groups(session, "DE", 100)
    assert [(group.key, group.calling_code, group.national, group.number) for group in groups] == [
        ("ES-DE", 34, "DE", 2),
        ("FR-DE", 33, "DE", 1),
    ]
    assert groups[0].examples[0].readings == ("+34600640001", "+4934600640001")
    assert (is_whole, has_unclear_phones(session)) == (True, True)
    assert unclear_groups(session, "DE", 1)[1] is False
    assert [group.key for group in unclear_groups(session, None, 100)[0]] == ["ES-none", "FR-none"]


def test_a_number_without_a_calling_code_is_settled_by_its_country(session: Session) -> None:
    french = make_contact(session, raw_phone="0612345678", phone_problem=PhoneProblem.MISSING_CALLING_CODE)
    assert has_unclear_phones(session)
    (group,), _ = unclear_groups(session, None, 100)
    assert (group.key, group.calling_code, group.national, group.number) == ("none-none", None, None, 1)
    assert [found.key for found in unclear_groups(session, "FR", 100)[0]] == ["none-FR"]
    assert _settle(session, [french.id]).impossible == [french.id], "it is no international number"
    assert _settle(session, [french.id], Reading("FR")).mended == [french.id]
    session.refresh(french)
    assert (french.phone, french.phone_problem, french.country) == ("+33612345678", None, "FR")
    assert not has_unclear_phones(session)


@pytest.mark.parametrize(
    ("reading", "phone", "country"), [(INTERNATIONAL, "+34600640001", "ES"), (Reading("DE"), "+4934600640001", "DE")]
)
def test_a_settled_number_is_written_to_and_the_same_file_finds_its_person(
    session: Session, reading: Reading, phone: str, country: str
) -> None:
    contact = _unclear(session, SPANISH)
    assert _settle(session, [contact.id], reading).mended == [contact.id]
    session.refresh(contact)
    assert (contact.phone, contact.raw_phone, contact.phone_problem) == (phone, None, None)
    assert (contact.country, contact.person_key) == (country, f"wa:{phone[1:]}")
    found = find_contact(session, SPANISH, "DE")
    assert found is not None
    assert found.id == contact.id
    assert _settle(session, [contact.id], reading) == MendTally(), "it is not unclear any more"


def test_a_dry_run_says_the_same_and_changes_nothing(session: Session) -> None:
    contact = _unclear(session, SPANISH)
    assert _settle(session, [contact.id], dry_run=True).mended == [contact.id]
    session.refresh(contact)
    assert contact.phone is None


def test_what_is_not_possible_so_stays(session: Session) -> None:
    contact = _unclear(session, SPANISH)
    assert _settle(session, [contact.id], Reading("FR")).impossible == [contact.id]
    session.refresh(contact)
    assert contact.phone_problem is PhoneProblem.UNCLEAR_PHONE


def test_a_number_of_another_contact_is_asked_about_and_never_taken(session: Session) -> None:
    holder = make_contact(session, f"+{SPANISH}")
    contact, free = _unclear(session, SPANISH), _unclear(session, OTHER_SPANISH)
    tally = _settle(session, [contact.id, free.id])
    assert tally.mended == [free.id]
    assert tally.collisions == [Collision(contact.id, f"+{SPANISH}", holder.id)]
    session.refresh(contact)
    assert contact.raw_phone == SPANISH
    assert collisions_of(session, [(contact.id, f"+{SPANISH}"), (free.id, f"+{OTHER_SPANISH}")]) == tally.collisions


def test_two_spellings_of_one_person_do_not_become_two_contacts(session: Session) -> None:
    with_ninth, without = _unclear(session, "5511987654321"), _unclear(session, "551187654321")
    tally = _settle(session, [with_ninth.id, without.id])
    assert tally.mended == [with_ninth.id]
    assert [(found.contact_id, found.other_id) for found in tally.collisions] == [(without.id, with_ninth.id)]


def test_a_redacted_person_does_not_come_back(session: Session) -> None:
    contact = _unclear(session, SPANISH)
    session.add(Suppression(person_hash=f"hash of wa:{SPANISH}", reason="redacted", created_at=NOW))
    session.flush()
    assert _settle(session, [contact.id]).redacted == [contact.id]
    session.refresh(contact)
    assert contact.phone is None


def test_two_who_settle_the_same_group_at_once_settle_each_number_once(database: Database) -> None:
    with database.write() as session:
        ids = [_unclear(session, f"3460064{number:04d}").id for number in range(20)]
    barrier, tallies = Barrier(2), []

    def settle(reading: Reading) -> None:
        barrier.wait()
        with database.write() as session:
            tallies.append(_settle(session, ids, reading))

    threads = [Thread(target=settle, args=(reading,)) for reading in (INTERNATIONAL, Reading("DE"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(tally.mended) for tally in tallies) == [0, 20]
    with database.read() as session:
        phones = session.scalars(select(Contact.phone).order_by(Contact.id)).all()
    assert len({mask_phone(phone)[:3] for phone in phones}) == 1, "all by one reading"
