"""An example of a person of an audience, and what a message says to them."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.audience import example_person
from models.audience.audience import AudienceError
from models.audience.example_person import ExampleKind, example_values, find_example
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.templates.content import content_of
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.contacts import make_contact

NOW = datetime.fromisoformat("2026-11-27T12:00:00+00:00")
NAME = {"body": {"1": {"source": "name"}}}
SIZE = {"body": {"1": {"source": "tag", "tag": "size"}}}


def campaign_for(session: Session, **values: Any) -> Campaign:
    number = make_number(session, now=NOW)
    template = make_template(session, number, now=NOW)
    given: dict[str, Any] = {"variables": NAME, "audience": {"include": [{"tag": "vip"}], "exclude": []}} | values
    return make_campaign(session, number, template, now=NOW, **given)


def person(session: Session, name: str, **values: Any) -> Contact:
    return make_contact(session, name=name, now=NOW, **({"tags": {"vip": None}} | values))


def find(
    session: Session, campaign: Campaign, kind: ExampleKind = ExampleKind.ANYBODY, place: float = 0.0
) -> int | None:
    return find_example(session, campaign, kind, place, NOW)


def test_only_somebody_to_whom_it_would_be_sent_is_an_example(session: Session) -> None:
    campaign = campaign_for(session, audience={"include": [{"tag": "vip"}], "exclude": [{"tag": "staff"}]})
    make_contact(session, name="Not of the audience", now=NOW, tags={"city": "Madrid"})
    person(session, "Excluded", tags={"vip": None, "staff": None})
    assert find(session, campaign) is None
    ana = person(session, "Ana Costa")
    assert {find(session, campaign, place=place / 10) for place in range(11)} == {ana.id}


def test_another_place_gives_another_person_and_all_come_in_turn(session: Session) -> None:
    campaign = campaign_for(session)
    people = {person(session, f"Person {place}").id for place in range(8)}
    assert {find(session, campaign, place=place / 50) for place in range(51)} == people


def test_the_one_that_was_shown_comes_again_only_if_there_is_nobody_else(session: Session) -> None:
    campaign = campaign_for(session)
    ana = person(session, "Ana Costa")
    assert find_example(session, campaign, ExampleKind.ANYBODY, 0.5, NOW, besides=ana.id) == ana.id
    bo = person(session, "Bo")
    for kind in (ExampleKind.ANYBODY, ExampleKind.LONGEST_NAME):
        assert find_example(session, campaign, kind, 0.5, NOW, besides=ana.id) == bo.id


def test_a_long_name_a_missing_value_and_another_language_are_found(session: Session) -> None:
    campaign = campaign_for(session, variables=SIZE)
    person(session, "Ana", language="en", tags={"vip": None, "size": "S"})
    longest = person(session, "Maximiliana de la Fontaine", language="en_GB", tags={"vip": None, "size": "M"})
    lacking = person(session, "Bo", language="en")
    other = person(session, "Eva", language="es_MX", tags={"vip": None, "size": "L"})
    assert find(session, campaign, ExampleKind.LONGEST_NAME) == longest.id
    assert find(session, campaign, ExampleKind.MISSING_VALUE) == lacking.id
    assert find(session, campaign, ExampleKind.OTHER_LANGUAGE) == other.id


def test_nobody_is_found_where_there_is_nobody(session: Session) -> None:
    campaign = campaign_for(session)
    person(session, "Ana", language="en")
    assert find(session, campaign, ExampleKind.MISSING_VALUE) is None
    assert find(session, campaign, ExampleKind.OTHER_LANGUAGE) is None


def test_the_whole_audience_is_looked_through_where_its_people_stand_far_apart(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_person, "CHUNK", 3)
    monkeypatch.setattr(example_person, "MAX_CHUNKS", 2)
    campaign = campaign_for(session)
    for place in range(20):
        person(session, f"Person {place}", tags={"city": "Madrid"} if place != 11 else {"vip": None})
    found = {find(session, campaign, place=place / 20) for place in range(21)}
    assert len(found) == 1
    assert None not in found


def test_an_audience_that_names_nothing_is_said(session: Session) -> None:
    with pytest.raises(AudienceError, match="no tag 'gone'"):
        find(session, campaign_for(session, audience={"include": [{"tag": "gone"}]}))


def test_the_values_are_those_that_would_be_sent(session: Session) -> None:
    variables = {"body": {"1": {"source": "name", "format": "upper"}}}
    campaign = campaign_for(session, variables=variables)
    ana = person(session, "Ana Costa")
    found = values_for(session, campaign, ana.id)
    assert (found.contact.id, found.values, found.problem) == (ana.id, {"body": {"1": "ANA COSTA"}}, None)


def test_what_is_missing_is_named(session: Session) -> None:
    campaign = campaign_for(session, variables=SIZE)
    found = values_for(session, campaign, person(session, "Bo").id)
    assert (found.values["body"]["1"], str(found.problem), found.lacks_value) == (None, "tag size", True)
    assert str(found.wanted["body", "1"]) == "tag size"


def test_a_variable_that_is_not_mapped_yet_is_nobodys_lack(session: Session) -> None:
    found = values_for(session, campaign_for(session, variables={}), person(session, "Bo").id)
    assert (found.problem, found.lacks_value, found.wanted) == (None, False, {})


def test_a_value_is_made_right_as_it_is_when_it_is_sent_and_one_that_is_too_long_is_a_problem(session: Session) -> None:
    campaign = campaign_for(session, variables=SIZE)
    found = values_for(session, campaign, person(session, "Bo", tags={"vip": None, "size": "a\nb"}).id)
    assert (found.values["body"]["1"], found.problem) == ("a b", None)
    assert campaign.template is not None
    campaign.template.components = [
        {"type": "HEADER", "format": "TEXT", "text": "{{1}}"},
        {"type": "BODY", "text": "Hi"},
    ]
    campaign.variables = {"header": SIZE["body"]}
    found = values_for(session, campaign, person(session, "Cy", tags={"vip": None, "size": "long " * 20}).id)
    assert found.problem is not None
    assert not found.lacks_value


def values_for(session: Session, campaign: Campaign, contact_id: int) -> example_person.ExampleValues:
    template = campaign.template
    assert template is not None
    found = example_values(session, template, content_of(campaign), contact_id, "UTC")
    assert found is not None
    return found


def test_a_contact_that_is_gone_has_no_values(session: Session) -> None:
    campaign = campaign_for(session)
    assert campaign.template is not None
    content = content_of(campaign)
    assert example_values(session, campaign.template, content, 999, "UTC") is None
    merged = person(session, "Ana")
    merged.merged_into_id = person(session, "Ana C").id
    session.flush()
    assert example_values(session, campaign.template, content, merged.id, "UTC") is None
