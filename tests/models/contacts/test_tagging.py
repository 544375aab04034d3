"""Tags, attributes and lists on contacts."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.field_values import FieldValueError
from models.contacts.search import search_contacts
from models.contacts.tagging import (
    add_members,
    list_id,
    put_attribute,
    put_tag,
    put_tags,
    remove_members,
    remove_tag,
    tag_ids,
)
from models.tables.contact import Contact
from models.tables.tag import Attribute, AttributeType, ContactTag, Tag
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_attribute


def tags(session: Session, contact: Contact) -> dict[str, str | None]:
    query = select(Tag.name, ContactTag.value).join(ContactTag).where(ContactTag.contact_id == contact.id)
    return {row.name: row.value for row in session.execute(query)}


def test_a_tag_is_put_valued_and_taken_off(session: Session) -> None:
    one, other = alice(session, tags={}), bob(session, tags={})
    put_tag(session, one.id, " vip ", None, NOW)
    put_tags(session, [(one.id, "city", "Madrid"), (other.id, "city", " Sevilla "), (other.id, "vip", "")], NOW)
    assert tags(session, one) == {"vip": None, "city": "Madrid"}
    assert tags(session, other) == {"vip": None, "city": "Sevilla"}
    put_tag(session, one.id, "city", None, NOW)
    put_tag(session, other.id, "city", "Cádiz", NOW)
    assert (tags(session, one)["city"], tags(session, other)["city"]) == ("Madrid", "Cádiz")
    assert remove_tag(session, [one.id, other.id], "city") == 2
    assert remove_tag(session, one.id, "never heard of") == 0
    assert tags(session, one) == {"vip": None}


def test_a_tag_is_the_same_in_any_case_and_accents_tell_tags_apart(session: Session) -> None:
    one = alice(session, tags={})
    put_tags(session, [(one.id, "VIP", None), (one.id, "vip", None), (one.id, "Vip", "gold")], NOW)
    put_tag(session, one.id, "M\u00dcNCHEN", None, NOW)
    put_tag(session, one.id, "m\u00fcnchen", None, NOW)
    put_tag(session, one.id, "munchen", None, NOW)
    assert tags(session, one) == {"VIP": "gold", "M\u00dcNCHEN": None, "munchen": None}
    assert tag_ids(session, ["vIP"], NOW) == {"vIP": tag_ids(session, ["VIP"], NOW)["VIP"]}
    assert [found.id for found in search_contacts(session, tag="vip").contacts] == [one.id]
    assert remove_tag(session, one.id, "vip") == 1


def test_of_two_tags_that_an_earlier_version_told_apart_by_case_the_exact_one_counts(session: Session) -> None:
    one = alice(session, tags={})
    for name in ("Gold", "GOLD"):
        session.add(Tag(name=name, created_at=NOW))
        session.flush()
    put_tag(session, one.id, "GOLD", None, NOW)
    assert tags(session, one) == {"GOLD": None}
    put_tag(session, one.id, "gold", None, NOW)
    assert tags(session, one) == {"GOLD": None, "Gold": None}


@pytest.mark.parametrize("name", ["", " ", "a=b", "a;b", 'a"b', "x" * 101, "a\nb", "a\x00"])
def test_what_is_no_name_is_told(session: Session, name: str) -> None:
    person = alice(session)
    with pytest.raises(FieldValueError) as caught:
        put_tag(session, person.id, name, None, NOW)
    assert "\n" not in str(caught.value)


def test_an_attribute_keeps_its_type_and_an_unknown_one_is_text(session: Session) -> None:
    person = alice(session)
    make_attribute(session, "visits", type=AttributeType.NUMBER)
    make_attribute(session, "since", type=AttributeType.DATE)
    make_attribute(session, "member", type=AttributeType.BOOLEAN)
    for name, value in {"visits": "12", "since": "2026-01-02T10:00:00", "member": "Yes", "shop": "Gran Vía"}.items():
        put_attribute(session, person.id, name, value, NOW)
    session.expire_all()
    assert person.attributes == {"visits": 12, "since": "2026-01-02", "member": "true", "shop": "Gran Vía"}
    assert session.scalar(select(Attribute.type).where(Attribute.name == "shop")) is AttributeType.TEXT
    for name, value in {"visits": "many", "since": "yesterday", "member": "perhaps", "shop": "x" * 2001}.items():
        with pytest.raises(FieldValueError):
            put_attribute(session, person.id, name, value, NOW)
    put_attribute(session, person.id, "shop", None, NOW)
    session.expire_all()
    assert "shop" not in person.attributes


def test_fields_that_every_contact_has_are_set_by_the_same_name(session: Session) -> None:
    person = alice(session)
    for name, value in {"language": "pt_BR", "country": "br", "time_zone": "America/Sao_Paulo", "name": "A"}.items():
        put_attribute(session, person.id, name, value, NOW)
    session.expire_all()
    assert (person.language, person.country, person.time_zone, person.name) == ("pt_BR", "BR", "America/Sao_Paulo", "A")
    assert person.attributes == {}
    put_attribute(session, person.id, "name", None, NOW)
    put_attribute(session, person.id, "language", None, NOW)
    session.expire_all()
    assert (person.name, person.language) == ("", None)
    for name, value in {"language": "Spanish please", "country": "Spain", "time_zone": "Madrid", "phone": "1"}.items():
        with pytest.raises(FieldValueError):
            put_attribute(session, person.id, name, value, NOW)


def test_a_list_counts_who_is_new_on_it(session: Session) -> None:
    one, other = alice(session), bob(session)
    key = list_id(session, "friends", NOW)
    assert list_id(session, " friends ", NOW) == key
    assert add_members(session, key, [one.id, other.id, one.id], NOW) == 2
    assert add_members(session, key, [one.id], NOW) == 0
    assert remove_members(session, key, [one.id, 0]) == 1
