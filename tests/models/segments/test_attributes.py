"""Defining attributes: names, types, defaults, and what is refused in one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations import attributes as operations
from jobs.core.runtime import Runtime
from models.config import Settings
from models.contacts.field_values import FieldValueError
from models.contacts.tagging import put_attribute
from models.conversations.flow_versions import save_flow
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.errors import OperatorError
from models.segments import attributes as made
from models.segments.attributes import add_attribute, change_attribute, delete_attribute, values_to_rewrite
from models.segments.rule import parse_rule
from models.segments.store import save_segment
from models.tables.campaign import CampaignStatus
from models.tables.contact import Contact
from models.tables.tag import Attribute, AttributeType
from tests.support.counting import count_matching
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_attribute, make_contact

OVER_TEN: dict[str, Any] = {"all": [{"on": "attribute", "op": "more", "name": "visits", "value": 10}]}


def _values(session: Session) -> list[Any]:
    session.expire_all()
    return [it.get("visits") for it in session.scalars(select(Contact.attributes).order_by(Contact.id))]


def _retype(session: Session, attribute_id: int, kind: AttributeType, default: str | None = None) -> None:
    rewrite = values_to_rewrite(session, session.get_one(Attribute, attribute_id).name, kind)
    change_attribute(session, attribute_id, kind, default, rewrite)


def test_an_attribute_is_defined_with_a_type_and_a_default_of_it(session: Session) -> None:
    for kind, given, kept in (
        ("text", " friend ", "friend"),
        ("number", "3.50", "3.5"),
        ("date", "2026-03-21", "2026-03-21"),
        ("boolean", "Yes", "true"),
        ("number", "", None),
    ):
        found = add_attribute(session, f" {kind} {given}", AttributeType(kind), given, NOW)
        assert (found.name, found.type, found.default) == (f"{kind} {given}".strip(), kind, kept)


@pytest.mark.parametrize(
    ("name", "kind", "default", "said"),
    [
        ("taken", "text", "", "there is an attribute of that name already"),
        ("Phone", "text", "", "every contact has that field already"),
        ("country", "text", "", "every contact has that field already"),
        ("consent", "text", "", "every contact has that field already"),
        ("  ", "text", "", "has no name"),
        ("a=b", "text", "", "not allowed"),
        ("visits", "number", "many", "the default is 'many', no number"),
        ("born", "date", "3.2.1990", "no date"),
        ("note", "text", "x" * 501, "at most 500"),
    ],
)
def test_what_cannot_be_an_attribute_is_refused(
    name: str, kind: str, default: str, said: str, session: Session
) -> None:
    make_attribute(session, "taken")
    with pytest.raises((OperatorError, FieldValueError), match=said):
        add_attribute(session, name, AttributeType(kind), default, NOW)


def test_a_new_type_rewrites_the_values_so_that_segments_can_compare_them(session: Session) -> None:
    attribute_id = make_attribute(session, "visits", default="7").id
    for value in ("12", "9", "2.50"):
        make_contact(session, attributes={"visits": value, "other": "x"})
    make_contact(session)
    _retype(session, attribute_id, AttributeType.NUMBER)
    assert _values(session) == [12, 9, 2.5, None]
    assert count_matching(session, parse_rule(session, OVER_TEN), NOW) == 1
    assert session.get_one(Attribute, attribute_id).default == "7"
    _retype(session, attribute_id, AttributeType.TEXT, "")
    assert _values(session) == ["12", "9", "2.5", None]
    assert session.get_one(Attribute, attribute_id).default is None


def test_a_type_that_some_values_do_not_have_is_refused_with_their_number(database: Database) -> None:
    with database.write() as session:
        attribute_id = make_attribute(session, "visits").id
        for value in ("12", "many", "few"):
            make_contact(session, attributes={"visits": value})
    with (
        pytest.raises(OperatorError, match="2 stored values are no number, such as “many”"),
        database.write() as session,
    ):
        _retype(session, attribute_id, AttributeType.NUMBER)
    with database.write() as session:
        assert session.get_one(Attribute, attribute_id).type is AttributeType.TEXT
        assert _values(session) == ["12", "many", "few"]


def test_more_values_than_one_transaction_rewrites_are_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MAX_REWRITTEN", 1)
    attribute_id = make_attribute(session, "visits").id
    for value in ("12", "9"):
        make_contact(session, attributes={"visits": value})
    with pytest.raises(OperatorError, match="2 stored values would have to be written anew, at most 1"):
        _retype(session, attribute_id, AttributeType.NUMBER)


def test_a_default_that_is_not_of_the_type_is_refused_also_when_the_type_changes(session: Session) -> None:
    attribute_id = make_attribute(session, "visits", default="often").id
    with pytest.raises(FieldValueError, match="the default is 'often'"):
        change_attribute(session, attribute_id, AttributeType.NUMBER, None)


def test_a_type_that_a_segment_could_not_be_read_with_is_refused(session: Session) -> None:
    attribute_id = make_attribute(session, "visits", type=AttributeType.NUMBER).id
    save_segment(session, "regulars", OVER_TEN, NOW)
    with pytest.raises(OperatorError, match="the segment “regulars” would not be readable"):
        change_attribute(session, attribute_id, AttributeType.DATE, None)


def test_an_attribute_that_something_names_is_not_deleted(session: Session) -> None:
    attribute_id = make_attribute(session, "visits", type=AttributeType.NUMBER).id
    save_segment(session, "regulars", OVER_TEN, NOW)
    variables = {"body": {"1": {"source": "attribute", "attribute": "visits"}}}
    make_campaign(session, name="spring", status=CampaignStatus.DRAFT, variables=variables)
    make_campaign(session, name="old", status=CampaignStatus.ENDED, variables=variables)
    with pytest.raises(OperatorError, match="used by the segment “regulars” and the campaign “spring”; take it out"):
        delete_attribute(session, attribute_id)


@pytest.mark.parametrize(
    "node",
    [
        {"type": "set", "attributes": {"visits": "1"}},
        {"type": "message", "text": "You came {attribute.visits|0} times"},
    ],
)
def test_an_attribute_that_a_bot_flow_names_is_not_deleted(node: dict[str, Any], session: Session) -> None:
    attribute_id = make_attribute(session, "visits").id
    save_flow(session, "welcome", "", {"nodes": {"a": node}}, NOW, "test")
    session.flush()
    with pytest.raises(OperatorError, match="bot flow “welcome”"):
        delete_attribute(session, attribute_id)


def test_what_nothing_names_is_deleted_and_values_stay(session: Session) -> None:
    attribute_id = make_attribute(session, "visits").id
    make_contact(session, attributes={"visits": "many"})
    assert delete_attribute(session, attribute_id) == "visits"
    assert session.scalars(select(Attribute.name)).all() == []
    assert _values(session) == ["many"]
    with pytest.raises(OperatorError, match="1 stored value is no number"):
        values_to_rewrite(session, "visits", AttributeType.NUMBER)


@pytest.mark.parametrize(
    ("came", "kept", "line"),
    [
        ("77", [5, 77], None),
        ("many", [5, "many"], "visits: its type is number now, but meanwhile values came: 1 stored"),
    ],
)
def test_others_write_while_the_values_are_looked_at_and_nothing_that_they_wrote_is_missed(
    came: str, kept: list[Any], line: str | None, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = Runtime(Settings(database_url, None, tmp_path, encryption_keys=(new_encryption_key(),)))
    with rt.database.write() as session:
        attribute_id = make_attribute(session, "visits").id
        ids = [make_contact(session, attributes={"visits": "5"}).id, make_contact(session).id]

    def look(session: Session, name: str, kind: AttributeType) -> Sequence[int]:
        found = values_to_rewrite(session, name, kind)
        with rt.database.write() as writing:  # it would wait for ever if the look held the only write lock
            put_attribute(writing, ids[1], name, came, NOW)
        return found

    monkeypatch.setattr(made, "values_to_rewrite", look)
    if line:
        with pytest.raises(OperatorError, match=line):
            operations.change_attribute(rt, attribute_id, "number", None, "test")
    else:
        operations.change_attribute(rt, attribute_id, "number", None, "test")
    with rt.database.write() as session:
        assert session.get_one(Attribute, attribute_id).type is AttributeType.NUMBER
        assert _values(session) == kept
    rt.close()


def test_a_type_does_not_change_while_a_part_of_a_campaign_is_frozen_by_it(session: Session) -> None:
    attribute_id = make_attribute(session, "visits", type=AttributeType.NUMBER).id
    save_segment(session, "known", {"all": [{"on": "attribute", "op": "known", "name": "visits"}]}, NOW)
    audience = {"include": [{"segment": "known"}]}
    make_campaign(
        session, name="Spring", status=CampaignStatus.ACTIVE, audience=audience, launch_until=9, launch_cursor=4
    )
    with pytest.raises(OperatorError, match="is used by the campaign “Spring”, being prepared now"):
        change_attribute(session, attribute_id, AttributeType.TEXT, None)
