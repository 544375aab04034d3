"""Renaming and deleting tags, lists and segments: what names them follows, or it is refused in one line."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.contacts.tagging import DELETED_PREFIX
from models.conversations.flow_versions import save_flow
from models.db.engine import Database
from models.errors import OperatorError
from models.segments.references import ReferenceKind
from models.segments.rename_delete import delete_group, purge_groups, rename_group
from models.segments.store import save_segment
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.flow import Flow, FlowSession
from models.tables.segment import Segment
from models.tables.tag import ContactList, ContactTag, ListMember, Tag
from tests.support.factories.campaigns import make_campaign, make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import make_contact, make_list
from tests.support.stored_segments import stored_rule

AUDIENCE: dict[str, Any] = {
    "include": [{"tag": "vip"}, {"list": "vip"}, {"segment": "vip"}, {"tag": "other"}],
    "exclude": [{"tag": "vip", "value": "no"}],
}
VARIABLES: dict[str, Any] = {
    "body": {"1": {"source": "tag", "tag": "vip", "fallback": "vip"}, "2": {"source": "text", "text": "vip"}}
}
RULE: dict[str, Any] = {
    "any": [
        {"all": [{"on": "tag", "op": "is", "name": "vip", "value": "vip"}, {"on": "list", "op": "has", "name": "vip"}]},
        {"all": [{"on": "segment", "op": "has", "name": "vip"}]},
    ]
}


def _world(session: Session) -> None:
    """A tag, a list and a segment, all of them called vip; alice is in each."""
    alice = make_alice(session, tags={"vip": None, "other": None})
    make_list(session, "vip", alice)
    save_segment(session, "vip", {"all": [{"on": "consent", "op": "is", "value": "subscribed"}]}, NOW)


def _id(session: Session, table: Any, name: str = "vip") -> int:
    return int(session.scalars(select(table.id).where(table.name == name)).one())


KINDS: list[tuple[ReferenceKind, Any]] = [("tag", Tag), ("list", ContactList), ("segment", Segment)]


@pytest.mark.parametrize(("kind", "table"), KINDS)
def test_a_new_name_stands_wherever_the_old_one_stood_and_nowhere_else(
    kind: ReferenceKind, table: Any, session: Session
) -> None:
    _world(session)
    save_segment(session, "outer", RULE, NOW)
    values: dict[str, Any] = {"audience": AUDIENCE, "variables": VARIABLES}
    draft = make_campaign(session, status=CampaignStatus.DRAFT, **values).id
    sending = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW, **values).id
    ended = make_campaign(session, status=CampaignStatus.ENDED, **values).id
    assert rename_group(session, kind, _id(session, table), "gold") == "vip"
    session.flush()
    session.expire_all()
    assert session.scalar(select(table.id).where(table.name == "gold")) is not None
    for campaign_id in (draft, sending):
        campaign = session.get_one(Campaign, campaign_id)
        named = [
            item for side in ("include", "exclude") for item in campaign.audience[side] if item.get(kind) == "gold"
        ]
        assert len(named) == (2 if kind == "tag" else 1)
        assert str(campaign.audience).count("gold") == len(named)
        source = campaign.variables["body"]["1"]
        assert source == {"source": "tag", "tag": "gold" if kind == "tag" else "vip", "fallback": "vip"}
        assert campaign.variables["body"]["2"] == VARIABLES["body"]["2"]
    assert session.get_one(Campaign, ended).audience == AUDIENCE
    outer = session.scalars(select(Segment).where(Segment.name == "outer")).one()
    conditions = [item for group in outer.rule["any"] for item in group["all"]]
    assert {item["on"]: item["name"] for item in conditions} == {"tag": "vip", "list": "vip", "segment": "vip"} | {
        kind: "gold"
    }
    assert conditions[0]["value"] == "vip"
    stored_rule(session, "outer")


@pytest.mark.parametrize(("kind", "table"), KINDS)
def test_a_name_that_is_there_is_refused_by_the_database(kind: ReferenceKind, table: Any, database: Database) -> None:
    with database.write() as session:
        _world(session)
        make_list(session, "other")
        save_segment(session, "other", {"all": [{"on": "consent", "op": "is", "value": "pending"}]}, NOW)
    with pytest.raises(IntegrityError), database.write() as session:
        rename_group(session, kind, _id(session, table), "other")


def test_a_tag_that_is_named_in_another_case_follows_its_new_name(session: Session) -> None:
    _world(session)
    number = make_number(session)
    campaign = make_campaign(session, number, audience={"include": [{"tag": "VIP"}], "exclude": []}, variables={})
    assert rename_group(session, "tag", _id(session, Tag), "gold") == "vip"
    assert campaign.audience["include"] == [{"tag": "gold"}]
    with pytest.raises(OperatorError, match="already"):
        rename_group(session, "tag", _id(session, Tag, "gold"), "OTHER")
    with pytest.raises(OperatorError):
        delete_group(session, "tag", _id(session, Tag, "gold"))
    assert rename_group(session, "tag", _id(session, Tag, "gold"), "Gold") == "gold"


def test_a_campaign_that_is_being_prepared_keeps_its_names(session: Session) -> None:
    _world(session)
    make_campaign(session, name="Spring", status=CampaignStatus.ACTIVE, audience=AUDIENCE)
    with pytest.raises(OperatorError, match="the campaign “Spring”: being prepared with the tag “vip”"):
        rename_group(session, "tag", _id(session, Tag), "gold")


@pytest.mark.parametrize(
    "node",
    [
        {"type": "ask", "tag": "vip"},
        {"type": "set", "tags": {"vip": None}},
        {"type": "set", "remove_tags": ["vip"]},
        {"type": "branch", "cases": [{"when": {"all": [{"tag": "vip"}]}}]},
        {"type": "send", "text": "Your {tag.vip|none}"},
    ],
)
def test_a_tag_that_a_bot_flow_names_keeps_its_name(node: dict[str, Any], session: Session) -> None:
    _world(session)
    save_flow(session, "sizes", "", {"nodes": {"a": node}}, NOW, "test")
    for change in (
        lambda key: rename_group(session, "tag", key, "gold"),
        lambda key: delete_group(session, "tag", key),
    ):
        with pytest.raises(OperatorError, match="bot flow “sizes”"):
            change(_id(session, Tag))


def test_an_old_version_of_a_flow_counts_while_somebody_walks_through_it(session: Session) -> None:
    _world(session)
    save_flow(session, "sizes", "", {"nodes": {"a": {"type": "ask", "tag": "vip"}}}, NOW, "test")
    save_flow(session, "sizes", "", {"nodes": {"a": {"type": "ask", "tag": "viper"}}}, NOW, "test")
    version = session.scalars(select(Flow)).one().versions[0]
    walk = FlowSession(
        contact_id=1, number_id=make_number(session).id, flow_version=version, state={}, started_at=NOW, updated_at=NOW
    )  # fmt: skip
    session.add(walk)
    session.flush()
    with pytest.raises(OperatorError, match="sizes"):
        delete_group(session, "tag", _id(session, Tag))
    session.delete(walk)
    session.flush()
    assert delete_group(session, "tag", _id(session, Tag)) == ("vip", True)


def test_what_is_used_is_not_deleted_and_the_line_says_by_whom(session: Session) -> None:
    _world(session)
    save_segment(session, "outer", RULE, NOW)
    for name in ("A", "B"):
        make_campaign(session, name=name, status=CampaignStatus.READY, audience=AUDIENCE)
    for kind, table in KINDS:
        with pytest.raises(
            OperatorError, match=f"the {kind} “vip” is still used by the segment “outer” and the campaigns “A”, “B”"
        ):
            delete_group(session, kind, _id(session, table))


@pytest.mark.parametrize(("kind", "table"), KINDS)
def test_what_nothing_names_is_deleted_and_the_people_stay(kind: ReferenceKind, table: Any, session: Session) -> None:
    _world(session)
    make_campaign(session, status=CampaignStatus.ENDED, audience=AUDIENCE)
    assert delete_group(session, kind, _id(session, table)) == ("vip", True)
    assert session.scalar(select(table.id).where(table.name == "vip")) is None
    assert session.scalar(select(func.count()).select_from(ContactTag)) == (1 if kind == "tag" else 2)
    assert session.scalar(select(func.count()).select_from(ListMember)) == (0 if kind == "list" else 1)


@pytest.mark.parametrize(("kind", "table"), KINDS[:2])
def test_a_large_group_is_taken_away_in_slices_while_its_name_is_free(
    kind: ReferenceKind, table: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.segments.rename_delete.SLICE", 2)
    with database.write() as session:
        people = [make_contact(session, tags={"vip": None}) for _ in range(5)]
        make_list(session, "vip", *people)
        group_id = _id(session, table)
        assert delete_group(session, kind, group_id) == ("vip", False)
    with database.write() as session:
        assert session.get_one(table, group_id).name.startswith(DELETED_PREFIX)
        session.add(table(name="vip", created_at=NOW))
        session.flush()
        with pytest.raises(OperatorError, match="there is no such"):
            delete_group(session, kind, group_id)
    taken: list[int] = []
    while not taken or taken[-1]:
        with database.write() as session:
            taken.append(purge_groups(session, NOW, 2))
    assert taken == [2, 1, 0]
    with database.read() as session:
        assert session.get(table, group_id) is None
        assert session.scalar(select(table.id).where(table.name == "vip")) is not None


def test_the_shop_s_own_tag_stays(session: Session) -> None:
    make_alice(session, tags={"shopify": None})
    with pytest.raises(OperatorError, match="put on whoever comes from the shop"):
        rename_group(session, "tag", _id(session, Tag, "shopify"), "shop")
