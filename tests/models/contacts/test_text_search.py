"""Finding a contact by the words of a name, and keeping the texts that the search reads."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.contacts.search import count_contacts, search_contacts
from models.contacts.text_search import fold_stale, folded_texts, has_stale
from models.tables.contact import Contact
from models.tables.contact_search import ContactSearchText
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact


def _ids(session: Session, text: str) -> list[int]:
    found = [contact.id for contact in search_contacts(session, text=text).contacts]
    assert count_contacts(session, text=text).number == len(found)
    return found


def _folded(session: Session) -> dict[int, str | None]:
    return {
        row.contact_id: row.folded
        for row in session.execute(select(ContactSearchText.contact_id, ContactSearchText.folded))
    }


@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Mar\u00eda Garc\u00eda", "MARIA"),
        ("MAR\u00cdA", "mar\u00eda"),
        ("mari\u0301a", "mar\u00eda"),
        ("Stra\u00dfe", "STRASSE"),
        ("\u0141ukasz", "lukasz"),
        ("\u0418\u0432\u0430\u043d", "\u0418\u0412\u0410\u041d"),
        ("\u0399\u03a9\u0391\u039d\u039d\u0397\u03a3", "\u03b9\u03c9\u03ac\u03bd\u03bd\u03b7\u03c2"),
        ("\u0130brahim", "ibrahim"),
        ("\uff21\uff4e\uff41", "ana"),
        ("\u30a2\u30ca", "\uff71\uff85"),
        ("Ana\u00a0Ruiz", "ana  ruiz"),
        ("Ana  Mar\u00eda Ruiz", "ruiz ana"),
        ("O\u2019Brien", "o'brien"),
        ("Jean\u2010Luc", "jean-luc"),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_case_accents_and_width_do_not_matter(session: Session, name: str, text: str, is_folded: bool) -> None:
    contact = make_contact(session, name=name)
    make_contact(session, name="Somebody else")
    if is_folded:
        assert fold_stale(session) == 2
    assert _ids(session, text) == [contact.id]


def test_who_has_a_first_and_a_last_name_alone_is_found_by_both(session: Session) -> None:
    contact = make_contact(session, name="", first_name="Ana", last_name="Ruiz")
    make_contact(session, name="Bo")
    for text in ("ana", "RUIZ", "ana ruiz"):
        assert _ids(session, text) == [contact.id]


def test_an_e_mail_address_is_one_word(session: Session) -> None:
    contact = make_contact(session, name="Ana", email="a.ruiz-x@example.com")
    make_contact(session, name="Bo", email="a.ruiz@x-example.com")
    assert _ids(session, "A.Ruiz-X@example.com") == [contact.id]


def test_whoever_is_new_or_changed_is_found_at_once_and_by_the_new_name_alone(session: Session) -> None:
    one, other = make_contact(session, name="Ana"), make_contact(session, name="Bo")
    assert has_stale(session)
    assert fold_stale(session) == 2
    assert not has_stale(session)
    session.execute(update(Contact).where(Contact.id == one.id).values(name="Zo\u00eb"))
    assert _folded(session) == {one.id: None, other.id: "bo\n \n"}
    for _ in range(2):
        assert (_ids(session, "zoe"), _ids(session, "ana")) == ([one.id], [])
        fold_stale(session)
    assert _folded(session)[one.id] == "zoe\n \n"


@pytest.mark.parametrize("name", ["name", "first_name", "last_name", "email"])
def test_each_text_that_changes_is_folded_again(session: Session, name: str) -> None:
    one = make_contact(session, name="Ana", first_name="Ana", last_name="Ruiz", email="ana@example.com")
    fold_stale(session)
    session.execute(update(Contact).where(Contact.id == one.id).values({name: "\u00c9va"}))
    assert fold_stale(session) == 1
    assert _ids(session, "eva") == [one.id]


def test_what_the_search_does_not_read_is_not_folded_again(session: Session) -> None:
    one = make_contact(session, name="Ana")
    fold_stale(session)
    session.execute(update(Contact).where(Contact.id == one.id).values(name="Ana", last_inbound_at=NOW, language="es"))
    assert not has_stale(session)


def test_the_migration_folds_as_it_is_folded_afterwards(session: Session) -> None:
    one = make_contact(session, name="Mar\u00eda", last_name="Garc\u00eda")
    other = make_contact(session, name="", first_name="\u0141ukasz", email="L@example.com")
    fold_stale(session)
    assert _folded(session) == {
        one.id: folded_texts("Mar\u00eda", None, "Garc\u00eda", None),
        other.id: folded_texts("", "\u0141ukasz", None, "L@example.com"),
    }


def test_the_newest_are_folded_first(session: Session) -> None:
    ids = [make_contact(session, name=name).id for name in ("Ana", "Bo", "Cem")]
    assert fold_stale(session, limit=2) == 2
    assert [key for key, folded in sorted(_folded(session).items()) if folded is None] == ids[:1]
