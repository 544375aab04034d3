"""Who a phone leads to: the same contact for everybody who asks."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from models.audience.audience import parse_audience
from models.contacts.autocomplete import names_of_phones
from models.contacts.lookup import ContactNotFoundError, find_contact, find_contacts, require_contact_with_phone
from models.contacts.merge import merge_contacts
from models.crypto import Vault, new_encryption_key
from models.errors import OperatorError
from models.events.shop import redacted_by
from models.events.shop_types import ShopCustomer, ShopEvent, ShopPhone, ShopRedaction
from models.imports.contact_row import read_columns, read_row
from models.imports.upsert import match_rows
from models.privacy.redact import redact_person
from models.tables.contact import Contact
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

WITH_NINE, WITHOUT_NINE = "+5531987654321", "+553187654321"


def by_text(session: Session, phone: str) -> int | None:
    contact = find_contact(session, phone)
    return contact.id if contact else None


def by_import(session: Session, phone: str) -> int | None:
    return match_rows(session, [read_row(1, [phone], read_columns(["phone"]), None)]).get(1)


def by_audience(session: Session, phone: str) -> int | None:
    try:
        [contact_id] = parse_audience(session, {"include": [{"contact": phone}]}).include.contact_ids
    except OperatorError as error:
        assert str(error) == f"audience.include[0]: there is no contact with the phone {phone}"  # noqa: PT017
        return None
    return contact_id


def by_operator(session: Session, phone: str) -> int | None:
    try:
        return require_contact_with_phone(session, phone).id
    except ContactNotFoundError as error:
        assert str(error) == f"there is no contact with the phone {phone}"  # noqa: PT017
        return None


def by_shop(session: Session, phone: str) -> int | None:
    contact = redacted_by(
        session, ShopEvent("shop", "1", ShopRedaction(ShopCustomer(None, ShopPhone(phone)), wipes=True))
    )
    return contact.id if contact else None


def by_name(session: Session, phone: str) -> int | None:
    name = names_of_phones(session, [phone]).get(phone)
    return int(name) if name else None


def by_number(session: Session, phone: str) -> int | None:
    return find_contacts(session, [phone]).get(phone)


ASKERS = [by_text, by_number, by_import, by_audience, by_operator, by_shop, by_name]


def exact(session: Session) -> tuple[str, Contact | None]:
    return "+34600000071", make_contact(session, "+34600000071")


def another_spelling(session: Session) -> tuple[str, Contact | None]:
    return WITHOUT_NINE, make_contact(session, WITH_NINE)


def exact_before_an_older_spelling(session: Session) -> tuple[str, Contact | None]:
    make_contact(session, WITH_NINE)
    return WITHOUT_NINE, make_contact(session, WITHOUT_NINE)


def the_older_of_two_spellings(session: Session) -> tuple[str, Contact | None]:
    older = make_contact(session, None, wa_id=WITH_NINE.lstrip("+"))
    make_contact(session, WITH_NINE)
    return WITHOUT_NINE, older


def digits_that_could_not_be_read(session: Session) -> tuple[str, Contact | None]:
    given = make_contact(session, None, raw_phone="34600000072", phone_problem="missing_calling_code")
    return "+34600000072", given


def left_over_by_a_merge(session: Session) -> tuple[str, Contact | None]:
    winner, loser = make_contact(session, "+34600000073"), make_contact(session, "+34600000074")
    merge_contacts(session, winner.id, loser.id, NOW)
    session.expire_all()
    return "+34600000074", winner


def merged_twice(session: Session) -> tuple[str, Contact | None]:
    phone, winner = left_over_by_a_merge(session)
    last = make_contact(session, "+34600000075")
    assert winner is not None
    merge_contacts(session, last.id, winner.id, NOW)
    session.expire_all()
    return phone, last


def redacted(session: Session) -> tuple[str, Contact | None]:
    contact = make_contact(session, "+34600000076")
    redact_person(session, contact.id, Vault((new_encryption_key(),)), NOW, "ann@example.com")
    session.expire_all()
    return "+34600000076", None


def nobody(session: Session) -> tuple[str, Contact | None]:
    make_contact(session, "+34600000077")
    return "+34600000078", None


CASES = [
    exact, another_spelling, exact_before_an_older_spelling, the_older_of_two_spellings, digits_that_could_not_be_read,
    left_over_by_a_merge, merged_twice, redacted, nobody,
]  # fmt: skip


@pytest.mark.parametrize("made", CASES)
def test_a_phone_leads_to_the_same_contact_for_everybody_who_asks(
    session: Session, made: Callable[[Session], tuple[str, Contact | None]]
) -> None:
    phone, expected = made(session)
    for contact in session.query(Contact).all():
        contact.name = str(contact.id)
    session.flush()
    contact_id = expected.id if expected else None
    assert {ask.__name__: ask(session, phone) for ask in ASKERS} == {ask.__name__: contact_id for ask in ASKERS}


def test_many_phones_are_looked_up_in_as_few_statements_as_one(session: Session) -> None:
    contacts = [make_contact(session, f"+3460070{place:04d}", tags={}) for place in range(300)]
    session.flush()
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", count)
    try:
        found = find_contacts(session, [contact.phone or "" for contact in contacts])
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", count)
    assert found == {contact.phone: contact.id for contact in contacts}
    assert len(statements) == 5
