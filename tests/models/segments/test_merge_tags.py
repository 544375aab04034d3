"""Making one tag of two that earlier versions told apart by case."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.aliases import merged_values_of
from models.errors import OperatorError
from models.segments.merge_tags import (
    TagMerge,
    check_merge,
    contacts_to_copy,
    copy_members,
    find_duplicates,
    finish_merge,
)
from models.segments.store import save_segment
from models.tables.campaign import CampaignStatus
from models.tables.contact import Contact
from models.tables.segment import Segment
from models.tables.tag import ContactTag, Tag
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_contact


@pytest.fixture
def duplicates(session: Session) -> tuple[int, int]:
    """The ids of the tags Gold and GOLD: alice carries the first, bob the second, Cem both, with another value each."""
    tags = [Tag(name=name, description="", created_at=NOW) for name in ("Gold", "GOLD", "other")]
    for tag in tags:
        session.add(tag)
        session.flush()
    people = (alice(session, tags={}), bob(session, tags={}), make_contact(session, "+34600000009", name="Cem"))
    for person, place, value in ((0, 0, None), (1, 1, "b"), (2, 0, "a"), (2, 1, "b")):
        session.add(ContactTag(contact_id=people[person].id, tag_id=tags[place].id, value=value, created_at=NOW))
    session.flush()
    return tags[0].id, tags[1].id


def _merge(session: Session, kept_id: int, merged_id: int) -> TagMerge | None:
    copy_members(session, kept_id, merged_id, contacts_to_copy(session, kept_id, merged_id))
    return finish_merge(session, kept_id, merged_id, NOW)


def _carriers(session: Session, tag_id: int) -> dict[str, str | None]:
    rows = session.execute(
        select(Contact.name, ContactTag.value)
        .join(ContactTag, ContactTag.contact_id == Contact.id)
        .where(ContactTag.tag_id == tag_id)
    )
    return {row.name: row.value for row in rows}


def test_tags_that_differ_by_case_alone_are_found(session: Session, duplicates: tuple[int, int]) -> None:
    (found,) = find_duplicates(session)
    assert list(found.tags) == [(duplicates[0], "Gold", 2), (duplicates[1], "GOLD", 2)]


def test_everybody_carries_the_one_that_stays_and_no_value_is_lost(
    session: Session, duplicates: tuple[int, int]
) -> None:
    assert _merge(session, *duplicates) == TagMerge("Gold", "GOLD", "", is_done=True)
    assert _carriers(session, duplicates[0]) == {"Alice": None, "Bob": "b", "Cem": "a"}
    assert session.get(Tag, duplicates[1]) is None
    assert find_duplicates(session) == []
    cem = session.scalars(select(Contact).where(Contact.name == "Cem")).one()
    assert [(row.kind, row.name, row.value) for row in merged_values_of(session, cem.id)] == [("tag", "GOLD", "b")]


def test_a_value_fills_the_tag_that_has_none(session: Session, duplicates: tuple[int, int]) -> None:
    someone = session.scalars(select(Contact).where(Contact.name == "Alice")).one()
    session.add(ContactTag(contact_id=someone.id, tag_id=duplicates[1], value="x", created_at=NOW))
    session.flush()
    assert _merge(session, *duplicates) is not None
    assert _carriers(session, duplicates[0])["Alice"] == "x"
    assert merged_values_of(session, someone.id) == []


def test_segments_and_drafts_name_the_one_that_stays(session: Session, duplicates: tuple[int, int]) -> None:
    save_segment(session, "rich", {"all": [{"on": "tag", "op": "has", "name": "GOLD"}]}, NOW)
    audience: dict[str, Any] = {"include": [{"tag": "GOLD"}, {"tag": "Gold"}], "exclude": []}
    draft = make_campaign(session, name="Spring", status=CampaignStatus.DRAFT, audience=audience)
    done = _merge(session, *duplicates)
    assert done is not None
    assert done.references == "the segment “rich” and the campaign “Spring”"
    assert draft.audience["include"] == [{"tag": "Gold"}, {"tag": "Gold"}]
    assert session.scalars(select(Segment)).one().rule == {"all": [{"on": "tag", "op": "has", "name": "Gold"}]}


@pytest.mark.parametrize("status", [CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED])
@pytest.mark.parametrize("item", [{"tag": "GOLD"}, {"tag": "Gold"}, {"segment": "outer"}])
@pytest.mark.parametrize("side", ["include", "exclude"])
def test_nobody_is_added_to_a_campaign_that_is_scheduled_or_being_launched(
    session: Session, duplicates: tuple[int, int], status: CampaignStatus, item: dict[str, str], side: str
) -> None:
    save_segment(session, "inner", {"all": [{"on": "tag", "op": "has_not", "name": "GOLD"}]}, NOW)
    save_segment(session, "outer", {"all": [{"on": "segment", "op": "has", "name": "inner"}]}, NOW)
    audience = {"include": [{"tag": "other"}], "exclude": []} | {side: [item]}
    at = NOW if status is CampaignStatus.SCHEDULED else None
    make_campaign(session, name="Spring", status=status, audience=audience, scheduled_at=at)
    for refused in (check_merge, _merge):
        with pytest.raises(OperatorError, match="would change who gets the campaign “Spring”"):
            refused(session, *duplicates)
    assert (len(_carriers(session, duplicates[0])), len(_carriers(session, duplicates[1]))) == (2, 2)


def test_a_campaign_whose_audience_is_frozen_is_not_concerned(session: Session, duplicates: tuple[int, int]) -> None:
    audience = {"include": [{"tag": "GOLD"}], "exclude": []}
    make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW, audience=audience)
    assert _merge(session, *duplicates) is not None


def test_who_carries_it_meanwhile_is_copied_first(session: Session, duplicates: tuple[int, int]) -> None:
    assert finish_merge(session, *duplicates, NOW) is None
    assert _carriers(session, duplicates[1]) == {"Bob": "b", "Cem": "b"}


def test_two_names_are_not_merged(session: Session, duplicates: tuple[int, int]) -> None:
    other = session.scalars(select(Tag.id).where(Tag.name == "other")).one()
    for pair in ((duplicates[0], other), (duplicates[0], duplicates[0])):
        with pytest.raises(OperatorError, match="not one name in two spellings"):
            check_merge(session, *pair)
