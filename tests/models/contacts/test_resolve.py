"""Finding the one record of a person."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.contacts.consent import opt_out
from models.contacts.identity import Identity
from models.contacts.lookup import find_contact
from models.contacts.number_change import change_number
from models.contacts.person_key import person_key
from models.contacts.resolve import resolve_contact, surviving_contact_id
from models.db.engine import Database
from models.tables.audit import Audit
from models.tables.contact import Consent, Contact, ContactIdentity
from models.tables.engagement import Engagement
from tests.support.factories.campaigns import make_campaign, make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Contact).where(Contact.merged_into_id.is_(None))) or 0


def test_who_writes_for_the_first_time_gets_a_record_with_unknown_consent(session: Session) -> None:
    number = make_number(session)
    portfolio = number.waba.portfolio_id
    key = resolve_contact(session, Identity("34600000077", None, portfolio, "ES.1", name="Dora", username="dora"), NOW)
    found = session.get_one(Contact, key)
    assert (found.phone, found.wa_id, found.country) == ("+34600000077", "34600000077", "ES")
    assert (found.name, found.username, found.consent) == ("Dora", "dora", Consent.UNKNOWN)
    assert found.person_key == person_key(phone="+34600000077")
    assert [identity.bsuid for identity in found.identities] == ["ES.1"]
    assert resolve_contact(session, Identity(wa_id="34600000077"), NOW) == key
    assert resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.1"), NOW) == key


@pytest.mark.parametrize(
    ("phone", "wa_id"),
    [("+5531987654321", "553187654321"), ("+525512345678", "5215512345678"), ("+5491123456789", "5491123456789")],
)
def test_the_spellings_of_one_number_are_one_person(session: Session, phone: str, wa_id: str) -> None:
    imported = make_contact(session, phone)
    assert resolve_contact(session, Identity(wa_id=wa_id), NOW) == imported.id
    session.expire_all()
    assert (imported.phone, imported.wa_id) == (phone, wa_id)
    found = find_contact(session, f"+{wa_id}")
    assert found is not None
    assert found.id == imported.id


def test_a_username_without_a_number_is_a_person_too(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    key = resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.9"), NOW)
    found = session.get_one(Contact, key)
    assert (found.phone, found.wa_id, found.has_identity) == (None, None, True)
    assert found.person_key == f"bs:{portfolio}:ES.9"


def test_a_bsuid_belongs_to_its_portfolio(session: Session) -> None:
    one, other = make_number(session).waba.portfolio_id, make_number(session).waba.portfolio_id
    first = resolve_contact(session, Identity(portfolio_id=one, bsuid="ES.9"), NOW)
    assert resolve_contact(session, Identity(portfolio_id=other, bsuid="ES.9"), NOW) != first


def test_a_webhook_that_shows_both_makes_one_record_of_two(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    imported = alice(session)
    hidden = resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.5"), NOW + timedelta(minutes=1))
    opt_out(session, hidden, NOW + timedelta(minutes=2), "whatsapp", "STOP")

    both = Identity(imported.phone and imported.phone[1:], None, portfolio, "ES.5")
    assert resolve_contact(session, both, NOW + timedelta(minutes=3)) == imported.id

    session.expire_all()
    assert surviving_contact_id(session, hidden) == imported.id
    assert imported.consent is Consent.UNSUBSCRIBED
    assert count(session) == 1
    assert resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.5"), NOW) == imported.id


def test_two_wa_ids_are_two_people_and_the_bsuid_goes_with_the_wa_id_shown(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    one = resolve_contact(session, Identity("34600000041", None, portfolio, "ES.41"), NOW)
    other = resolve_contact(session, Identity("34600000042", None, portfolio, "ES.42"), NOW)
    assert resolve_contact(session, Identity("34600000042", None, portfolio, "ES.41"), NOW) == other
    assert one != other
    assert count(session) == 2
    held = session.execute(select(ContactIdentity.bsuid, ContactIdentity.contact_id)).all()
    assert sorted(tuple(row) for row in held) == [("ES.41", other), ("ES.42", other)]


def test_who_moves_to_a_recycled_number_does_not_become_who_had_it(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    ana = resolve_contact(session, Identity("34600000041", None, portfolio, "ES.41", name="Ana"), NOW)
    bob = resolve_contact(session, Identity("34600000042", None, portfolio, "ES.42", name="Bob"), NOW)
    held = Engagement(
        person_key="wa:34600000042", campaign_id=make_campaign(session).id, contact_id=bob, created_at=NOW
    )
    session.add(held)
    session.flush()
    assert change_number(session, ana, Identity("34600000042", None, portfolio, "ES.43"), NOW) == ana
    session.expire_all()
    moved, left = session.get_one(Contact, ana), session.get_one(Contact, bob)
    assert (moved.wa_id, moved.phone, moved.name, moved.person_key) == (
        "34600000042", "+34600000042", "Ana", "wa:34600000042",
    )  # fmt: skip
    assert (left.wa_id, left.phone, left.name, left.person_key) == (None, None, "Bob", f"bs:{portfolio}:ES.42")
    assert [one.bsuid for one in moved.identities] == ["ES.43"]
    assert [one.bsuid for one in left.identities] == ["ES.42"]
    assert session.get(Engagement, left.person_key) is not None
    assert resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.42"), NOW) == bob
    lines = session.execute(select(Audit.action, Audit.object_id, Audit.actor, Audit.detail).order_by(Audit.id)).all()
    assert [tuple(line) for line in lines] == [
        ("number_reassigned", str(bob), "meta", {"has_number": False}),
        ("number_changed", str(ana), "meta", {"bsuid": True}),
    ]


@pytest.mark.parametrize("bsuid", ["ES.43", None])
def test_who_moves_is_merged_with_the_record_of_their_new_number(session: Session, bsuid: str | None) -> None:
    portfolio = make_number(session).waba.portfolio_id
    ana = resolve_contact(session, Identity("34600000041", None, portfolio, "ES.41"), NOW)
    early = resolve_contact(session, Identity("34600000042", None, portfolio, bsuid), NOW + timedelta(minutes=1))
    assert change_number(session, ana, Identity("34600000042", None, portfolio, "ES.43"), NOW) == ana
    session.expire_all()
    assert (surviving_contact_id(session, early), session.get_one(Contact, ana).wa_id, count(session)) == (
        ana,
        "34600000042",
        1,
    )
    merged, changed = session.scalars(select(Audit).order_by(Audit.id))
    assert (merged.action, merged.detail) == (
        "merge",
        {"before": [ana, early], "after": ana, "kept_of_it": ["a number or id"]},
    )
    assert (changed.action, changed.object_id) == ("number_changed", str(ana))


def test_a_name_that_somebody_gave_stays(session: Session) -> None:
    person = alice(session)
    resolve_contact(session, Identity(wa_id="34600000001", name="ali 🌸", username="ali"), NOW)
    session.expire_all()
    assert (person.name, person.username) == ("Alice", "ali")


def test_who_is_engaged_stays_engaged_under_a_new_key(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    key = resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.7"), NOW)
    campaign = make_campaign(session)
    before = session.get_one(Contact, key).person_key
    session.add(Engagement(person_key=before, campaign_id=campaign.id, contact_id=key, created_at=NOW))
    session.flush()
    resolve_contact(session, Identity("34600000088", None, portfolio, "ES.7"), NOW)
    assert set(session.scalars(select(Engagement.person_key))) == {before, "wa:34600000088"}


def test_a_number_without_a_country_is_found_as_it_was_given(session: Session) -> None:
    kept = make_contact(session, None, raw_phone="600111222", phone_problem="missing_calling_code")
    found = find_contact(session, "600 111 222")
    assert found is not None
    assert found.id == kept.id
    assert find_contact(session, "+34600999999") is None
    with pytest.raises(ValueError, match="no phone number"):
        find_contact(session, "hello")


@pytest.mark.race
def test_processes_that_meet_a_person_at_once_make_one_record(database: Database) -> None:
    spellings = ["553187654321", "5531987654321"] * 4
    made: list[int] = []

    def meet(wa_id: str) -> None:
        with database.write() as session:
            made.append(resolve_contact(session, Identity(wa_id=wa_id), NOW))

    threads = [threading.Thread(target=meet, args=(wa_id,)) for wa_id in spellings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(spellings)
    assert len(set(made)) == 1
    with database.read() as session:
        assert count(session) == 1
