"""Finding a contact by any part and spelling of the number."""

from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata
from sqlalchemy.orm import Session

from models.contacts import search as contact_search
from models.contacts.merge import merge_contacts
from models.contacts.phone_search import TRUNK_PREFIXES
from models.contacts.search import count_contacts, search_contacts
from models.tables.contact import PhoneProblem
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact


def _names(session: Session, **search: Any) -> list[str]:
    found = [contact.name for contact in search_contacts(session, **search).contacts]
    assert count_contacts(session, **search).number == len(found)
    return found


@pytest.mark.parametrize("few", [0, 50_000])
@pytest.mark.parametrize(
    "part",
    [
        "+34600640123", "0034600640123", "0034 600 64 01 23", "34600640123", "600640123", "600 640 123", "600-640-123",
        "(600) 640 123", "0600640123", "0 600/640.123", "+34 (0)600 640 123", "0123", "640123", "4012", "123", "+3460064",
        "tel:+34-600-640-123", "\uff16\uff10\uff10\uff16\uff14\uff10\uff11\uff12\uff13",
        "\u0666\u0660\u0660\u0666\u0664\u0660\u0661\u0662\u0663", "600\u00a0640\u2011123", "\u200e+34 600 640 123",
    ],
)  # fmt: skip
def test_a_number_is_found_by_any_part_and_spelling(
    session: Session, monkeypatch: pytest.MonkeyPatch, part: str, few: int
) -> None:
    monkeypatch.setattr(contact_search, "FEW", few)
    make_contact(session, "+34600640123", name="Ana")
    make_contact(session, "+34600659999", name="Bo")
    assert _names(session, text=part, default_country="ES") == ["Ana"]
    assert _names(session, phone=part, default_country="ES") == ["Ana"]


@pytest.mark.parametrize(
    ("stored", "country", "text"),
    [
        ("+4915123456789", "DE", "0151 23456789"),
        ("+5511987654321", "BR", "11 8765-4321"),
        ("+5511987654321", None, "+55 11 8765-4321"),
        ("+5511987654321", None, "55 11 8765 4321"),
        ("+551187654321", None, "+55 11 98765-4321"),
        ("+525512345678", None, "0052 1 55 1234 5678"),
        ("+525512345678", None, "5215512345678"),
        ("+79123456789", "ES", "8 912 345-67-89"),
        ("+36301234567", "ES", "06 30 123 4567"),
        ("+2250707123456", None, "+225 07 12 34 56"),
        ("+390612345678", "IT", "06 1234 5678"),
    ],
)
def test_a_number_is_found_in_the_spellings_that_it_has_elsewhere(
    session: Session, stored: str, country: str | None, text: str
) -> None:
    make_contact(session, stored, name="Ana")
    make_contact(session, "+34600659999", name="Bo")
    assert _names(session, text=text, default_country=country) == ["Ana"]


def test_a_number_that_could_not_be_read_is_found_by_its_digits(session: Session) -> None:
    make_contact(session, None, raw_phone="0151999", phone_problem=PhoneProblem.MISSING_CALLING_CODE, name="Cem")
    make_contact(session, name="Bo")
    assert _names(session, text="0151999") == ["Cem"]
    assert _names(session, text="151 9") == ["Cem"]


def test_an_earlier_number_is_found_by_its_last_digits(session: Session) -> None:
    one = make_contact(session, "+34600640123", name="Ana")
    merge_contacts(session, one.id, make_contact(session, "+5511987654321", name="Old").id, NOW)
    for text in ("+55 11 8765-4321", "654321", "0055 11 98765"):
        assert _names(session, text=text) == ["Ana"]


def test_digits_alone_are_found_in_names_and_addresses_too(session: Session) -> None:
    make_contact(session, "+34600640123", name="Ana")
    make_contact(session, "+34600659999", name="Agent 64012")
    make_contact(session, "+34600659998", name="Bo", email="bo64012@example.com")
    assert _names(session, text="64012") == ["Bo", "Agent 64012", "Ana"]
    assert _names(session, phone="64012") == ["Ana"]


def test_the_trunk_prefixes_are_those_of_libphonenumber() -> None:
    plans = (PhoneMetadata.metadata_for_region(region) for region in phonenumbers.SUPPORTED_REGIONS)
    assert {plan.national_prefix for plan in plans if plan} - {None, "0"} == set(TRUNK_PREFIXES)
