"""Finding contacts."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.contacts import search as contact_search
from models.contacts.merge import merge_contacts
from models.contacts.search import count_contacts, search_contacts
from models.tables.contact import Consent, PhoneProblem
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_contact, make_list
from tests.support.factories.conversations import carol


def names(session: Session, **search: Any) -> list[str]:
    found = [contact.name for contact in search_contacts(session, **search).contacts]
    counted = count_contacts(
        session, **{key: value for key, value in search.items() if key not in {"limit", "after_id"}}
    )
    if "limit" not in search:
        assert (counted.number, counted.is_exact) == (len(found), True)
    return found


@pytest.mark.parametrize("few", [0, 50_000])
def test_every_condition_finds_its_people(session: Session, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(contact_search, "FEW", few)
    one = alice(session, tags={"vip": None, "city": "Madrid"}, email="a_lice@example.com")
    bob(session, tags={"city": "Sevilla"})
    carol(session)
    make_contact(session, None, raw_phone="600111222", phone_problem=PhoneProblem.MISSING_CALLING_CODE, name="Dora")
    make_contact(session, "+4479999999", name="100% Eve")
    listed = make_list(session, "friends", one)
    merged = make_contact(session, name="Alicia", wa_id="34600000077")
    merge_contacts(session, one.id, merged.id, NOW)
    assert names(session) == ["100% Eve", "Dora", "Carol", "Bob", "Alice"]
    assert names(session, text="ali") == ["Alice"]
    assert names(session, text="A_LICE@") == ["Alice"]
    assert names(session, text="0%") == ["100% Eve"]
    assert names(session, text="_") == ["Alice"]
    assert names(session, phone="+3460000") == ["Carol", "Bob", "Alice"]
    assert names(session, text="34 600 000 002") == ["Bob"]
    assert names(session, phone="600111") == ["Dora"]
    assert names(session, phone="600 000 002", default_country="ES") == ["Bob"]
    assert names(session, phone="+44799999") == ["100% Eve"]
    assert names(session, phone="+") == []
    assert names(session, tag="city") == ["Bob", "Alice"]
    assert names(session, tag="city", value="Madrid") == ["Alice"]
    assert names(session, tag="nothing") == []
    assert names(session, list_id=listed.id) == ["Alice"]
    assert names(session, consent=Consent.UNSUBSCRIBED) == ["Bob"]
    assert names(session, tag="city", consent=Consent.SUBSCRIBED, text="ali") == ["Alice"]


def test_what_no_text_can_have_is_left_out(session: Session) -> None:
    one = alice(session, tags={"city": "Madrid"})
    searches: list[dict[str, Any]] = [
        {"text": "al\x00ice"},
        {"phone": "+34\x00600"},
        {"tag": "ci\x00ty", "value": "Mad\x00rid"},
    ]
    for search in searches:
        assert [contact.id for contact in search_contacts(session, **search).contacts] == [one.id]


def test_pages_follow_each_other_without_a_gap(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_search, "WINDOW", 4)
    monkeypatch.setattr(contact_search, "MAX_WINDOWS", 2)
    monkeypatch.setattr(contact_search, "BATCH", 2)
    monkeypatch.setattr(contact_search, "MAX_BATCHES", 3)
    for n in range(25):
        make_contact(session, name=f"Number {n}" if n % 2 else "Other", now=NOW)
    for search in ({"text": "number"}, {"tag": "vip"}, {"tag": "vip", "text": "number"}, {}):
        seen: list[int] = []
        after: int | None = None
        for _ in range(30):
            page = search_contacts(session, after_id=after, limit=3, **search)  # type: ignore[arg-type]
            seen += [contact.id for contact in page.contacts]
            after = page.next_after_id
            if after is None:
                break
        assert after is None
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) == (12 if "text" in search else 25)


def test_a_count_stops_at_its_bound(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_search, "MAX_COUNTED", 2)
    for _ in range(4):
        make_contact(session)
    counted = count_contacts(session, tag="vip")
    assert (counted.number, counted.is_exact) == (2, False)
    assert count_contacts(session).number == 4
