"""`flask attributes`."""

import pytest
from sqlalchemy import select

from models.tables.audit import Audit
from models.tables.tag import Attribute, AttributeType
from tests.support.cli_app import Shell
from tests.support.factories.contacts import make_attribute, make_contact

pytestmark = pytest.mark.sqlite_unless_proved


def test_attributes_are_defined_changed_and_listed_by_command(shell: Shell) -> None:
    added = shell.data("attributes", "add", "visits", "--type", "number", "--default", "0", "--json")
    assert (added["name"], added["type"], added["default"]) == ("visits", "number", "0")
    assert shell.ok("attributes", "set", "visits", "--default", "2").strip() == "visits is number, with the default “2”"
    assert shell.ok("attributes", "set", "visits", "--default", "").strip() == "visits is number, without a default"
    assert shell.data("attributes", "set", "visits", "--type", "text", "--json")["type"] == "text"
    assert [row["name"] for row in shell.data("attributes", "list", "--json")] == ["visits"]
    assert "visits  text" in shell.ok("attributes", "list")
    with shell.rt.database.read() as session:
        assert session.scalars(select(Attribute.type)).one() is AttributeType.TEXT
        assert [row.actor for row in session.scalars(select(Audit))] == ["cli"] * 4


def test_the_command_refuses_in_one_line(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        make_attribute(session, "visits")
        make_contact(session, attributes={"visits": "many"})
    assert "already" in shell.refused("attributes", "add", "visits", "--type", "text")
    assert "no date" in shell.refused("attributes", "add", "born", "--type", "date", "--default", "soon")
    assert "1 stored value is no number" in shell.refused("attributes", "set", "visits", "--type", "number")
    assert "there is no attribute" in shell.refused("attributes", "set", "born", "--default", "x")
    assert "--default" in shell.refused("attributes", "set", "visits", code=2)
    assert "money" in shell.refused("attributes", "add", "paid", "--type", "money", code=2)
