"""The public form of an audience, and the variables that a campaign maps."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience.audience import AudienceError, complete_contacts, parse_audience
from models.audience.reach import estimate_reach
from models.contacts.merge import merge_contacts
from models.segments.store import save_segment
from models.tables.contact import Contact
from tests.support.factories.campaigns import make_campaign, make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import ALICE_PHONE, make_contact, make_list, put_tag
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import bob as make_bob
from tests.support.factories.conversations import carol as make_carol


def _candidates(session: Session, *include: dict[str, Any]) -> list[int]:
    audience = parse_audience(session, {"include": list(include), "exclude": []})
    contact = Contact.__table__
    return sorted(
        session.scalars(
            select(contact.c.id).where(contact.c.merged_into_id.is_(None), audience.include.matches(contact, NOW))
        )
    )


def test_every_kind_of_source_names_its_people_and_each_person_once(session: Session) -> None:
    alice = make_alice(session, tags={"vip": None, "city": "Madrid"})
    bob = make_bob(session, tags={"city": "Lisboa"}, language="pt")
    carol = make_carol(session, tags={})
    make_list(session, "friends", bob, carol)
    save_segment(session, "portuguese", {"all": [{"on": "language", "op": "is", "value": "pt"}]}, NOW)
    assert _candidates(session, {"tag": "vip"}) == [alice.id]
    assert _candidates(session, {"tag": "city"}) == [alice.id, bob.id]
    assert _candidates(session, {"tag": "city", "value": "Madrid"}) == [alice.id]
    assert _candidates(session, {"list": "friends"}) == [bob.id, carol.id]
    assert _candidates(session, {"segment": "portuguese"}) == [bob.id]
    assert _candidates(session, {"contact": ALICE_PHONE}) == [alice.id]
    everybody = ({"tag": "city"}, {"list": "friends"}, {"segment": "portuguese"}, {"contact": "+34 600 000 003"})
    assert _candidates(session, *everybody) == [alice.id, bob.id, carol.id]


def test_a_single_contact_that_was_merged_means_the_one_that_survived(session: Session) -> None:
    alice = make_alice(session)
    old = make_contact(session, "+34600000077")
    merge_contacts(session, alice.id, old.id, NOW)
    assert _candidates(session, {"contact": "+34600000077"}) == [alice.id]


def test_a_number_names_its_contact_in_every_spelling(session: Session) -> None:
    brazilian = make_contact(session, "+5511987654321")
    assert _candidates(session, {"contact": "+55 11 8765-4321"}) == [brazilian.id]


def test_national_numbers_are_completed_where_it_can_be_told(session: Session) -> None:
    given = {"include": [{"contact": "600 000 001"}, {"contact": "Alice"}, {"tag": "vip"}], "exclude": "nobody"}
    completed = {**given, "include": [{"contact": ALICE_PHONE}, {"contact": "Alice"}, {"tag": "vip"}]}
    assert complete_contacts(given, "ES") == completed
    assert complete_contacts(given, None) == given


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ([], "audience: must be an object with include and exclude"),
        ({}, "audience.include: it names nobody; give at least one tag, list, segment or contact"),
        ({"include": [{"tag": "vip"}], "excluding": []}, "audience: 'excluding' is not known; allowed are include"),
        ({"include": {"tag": "vip"}}, "audience.include: must be a list"),
        ({"include": ["vip"]}, "audience.include[0]: must be an object with one of tag, list, segment, contact"),
        ({"include": [{"tag": "vip", "list": "a"}]}, "audience.include[0]: must be an object with one of"),
        ({"include": [{"list": "a", "value": "b"}]}, "audience.include[0]: 'value' does not belong to a list"),
        ({"include": [{"tag": ""}]}, "audience.include[0]: tag must be text"),
        ({"include": [{"tag": "vip", "value": ["a"]}]}, "audience.include[0]: value must be text"),
        ({"include": [{"tag": "vip"}, {"tag": "none"}]}, "audience.include[1]: there is no tag 'none'"),
        ({"include": [{"tag": "vip"}], "exclude": [{"list": "no"}]}, "audience.exclude[0]: there is no list 'no'"),
        ({"include": [{"tag": "v\x00ip"}]}, "audience.include[0]: tag holds a character that is no text"),
        ({"include": [{"list": "\ud800"}]}, "audience.include[0]: list holds a character that is no text"),
        ({"include": [{"segment": "s" * 201}]}, "audience.include[0]: segment is longer than 200 characters"),
        (
            {"include": [{"tag": "vip", "value": "\x00"}]},
            "audience.include[0]: value holds a character that is no text",
        ),
        (
            {"include": [{"tag": "vip", "value": "v" * 2001}]},
            "audience.include[0]: value is longer than 2000 characters",
        ),
        ({"include": [{"segment": "no"}]}, "audience.include[0]: there is no segment 'no'"),
        ({"include": [{"contact": "Alice"}]}, "audience.include[0]: 'Alice' is no phone number"),
        ({"include": [{"contact": "600000001"}]}, "audience.include[0]: '600000001' must be a phone number with its"),
        (
            {"include": [{"contact": "+34600999999"}]},
            "audience.include[0]: there is no contact with the phone +34600999999",
        ),
        ({"include": [{"tag": "vip"}] * 201}, "audience.include: more than 200 tags, lists and segments"),
    ],
)
def test_a_wrong_audience_is_refused_with_one_line(session: Session, data: Any, line: str) -> None:
    make_alice(session)
    with pytest.raises(AudienceError) as refused:
        parse_audience(session, data)
    assert str(refused.value).startswith(line)


def test_a_segment_whose_names_are_gone_says_which(session: Session) -> None:
    make_alice(session)
    save_segment(session, "good", {"all": [{"on": "tag", "name": "vip", "op": "has"}]}, NOW)
    tag = put_tag(session, make_bob(session, tags={}), "vip")
    tag.name = "other"
    session.flush()
    with pytest.raises(AudienceError, match=r"audience.include\[0\]: segment 'good': all\[0\]: there is no tag 'vip'"):
        parse_audience(session, {"include": [{"segment": "good"}]})


def test_names_are_bound_and_never_part_of_the_statement(session: Session) -> None:
    evil = "x') OR 1=1 --"
    alice = make_alice(session, tags={"vip": None})
    bob = make_bob(session, tags={evil: evil})
    assert _candidates(session, {"tag": evil, "value": evil}) == [bob.id]
    assert _candidates(session, {"tag": "vip", "value": evil}) == []
    assert alice.id not in set(session.scalars(select(bob.__class__.id).where(bob.__class__.name == evil)))


def test_the_largest_audience_is_still_one_statement_and_a_larger_one_is_refused(session: Session) -> None:
    alice = make_alice(session)
    names = [f"t{place}" for place in range(199)]
    make_contact(session, tags=dict.fromkeys(names))
    for place in range(3):
        values = [str(value) for value in range(900)]
        conditions = [{"on": "tag", "name": f"t{n}", "op": "in", "value": values} for n in range(2)]
        save_segment(session, f"large {place}", {"all": conditions}, NOW)
    number = make_number(session)
    large = {"include": [{"segment": "large 0"}, {"tag": "vip"}, *({"tag": name} for name in names[:190])]}
    large["exclude"] = [{"segment": "large 1"}, *({"tag": name, "value": "x"} for name in names[:190])]
    campaign = make_campaign(session, number, audience=large)
    reach = estimate_reach(session, campaign, NOW)
    assert (reach.candidates, reach.eligible) == (2, 2)
    large["exclude"].append({"segment": "large 2"})
    with pytest.raises(AudienceError, match="audience: it and its segments hold more than 5000 values"):
        parse_audience(session, large)
    assert alice.id in _candidates(session, *large["include"])
