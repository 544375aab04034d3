"""Audiences, mappings and rules that name a tag in another case than it was first written."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience.audience import parse_audience
from models.contacts.autocomplete import suggest_contacts
from models.segments.references import campaigns_preparing, find_references, spell_tags
from models.segments.store import save_segment
from models.tables.campaign import CampaignStatus
from models.tables.segment import Segment
from models.tables.tag import Tag
from models.templates.content import MessageContent
from models.templates.variables import mapped_tag_ids
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_list


@pytest.mark.parametrize(
    ("data", "spelled"),
    [
        ({"include": [{"tag": "VIP"}, {"list": "VIP"}]}, {"include": [{"tag": "vip"}, {"list": "VIP"}]}),
        ({"exclude": [{"tag": " Vip ", "value": "VIP"}]}, {"exclude": [{"tag": "vip", "value": "VIP"}]}),
        ({"body": {"1": {"source": "tag", "tag": "VIP"}}}, {"body": {"1": {"source": "tag", "tag": "vip"}}}),
        ({"all": [{"on": "tag", "op": "has", "name": "VIP"}]}, {"all": [{"on": "tag", "op": "has", "name": "vip"}]}),
        ({"all": [{"on": "list", "op": "has", "name": "VIP"}]}, {"all": [{"on": "list", "op": "has", "name": "VIP"}]}),
        ({"include": [{"tag": "unknown"}, {"tag": ["VIP"]}]}, {"include": [{"tag": "unknown"}, {"tag": ["VIP"]}]}),
    ],
)
def test_a_tag_is_spelled_as_it_was_first_written(session: Session, data: Any, spelled: Any) -> None:
    make_list(session, "VIP", alice(session, tags={"vip": None}))
    assert spell_tags(session, data) == spelled


def test_of_two_tags_of_earlier_versions_each_keeps_its_spelling(session: Session) -> None:
    for name in ("Gold", "GOLD"):
        session.add(Tag(name=name, description="", created_at=NOW))
        session.flush()
    data = {"include": [{"tag": "Gold"}, {"tag": "GOLD"}, {"tag": "gold"}]}
    assert spell_tags(session, data) == {"include": [{"tag": "Gold"}, {"tag": "GOLD"}, {"tag": "Gold"}]}


def test_a_segment_is_stored_in_the_spelling_of_the_tag(session: Session) -> None:
    alice(session, tags={"vip": None})
    save_segment(session, "best", {"all": [{"on": "tag", "op": "has", "name": "VIP"}]}, NOW)
    assert session.scalars(select(Segment)).one().rule["all"][0]["name"] == "vip"


def test_an_audience_and_a_mapping_find_the_tag_in_any_case(session: Session) -> None:
    one = alice(session, tags={"vip": None})
    tag_id = session.scalars(select(Tag.id).where(Tag.name == "vip")).one()
    assert [item.tag_id for item in parse_audience(session, {"include": [{"tag": "VIP"}]}).include.tags] == [tag_id]
    assert mapped_tag_ids(session, MessageContent({"body": {"1": {"source": "tag", "tag": "VIP"}}})) == {"VIP": tag_id}
    assert [choice.id for choice in suggest_contacts(session, "V\u0130P", None)[0]] == [one.id]


def test_what_names_a_tag_in_another_case_is_found(session: Session) -> None:
    alice(session, tags={"vip": None})
    audience = {"include": [{"tag": "VIP"}], "exclude": []}
    make_campaign(session, name="Spring", status=CampaignStatus.ACTIVE, audience=audience, launch_cursor=1)
    assert find_references(session, "tag", "vip").words == "the campaign “Spring”"
    assert campaigns_preparing(session, "tag", "vip") == "the campaign “Spring”"
