"""The page of attributes, the command, and the places where a value must be of its attribute's type."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from models.tables.audit import Audit
from models.tables.contact import Contact
from models.tables.tag import Attribute, AttributeType
from models.tables.user import Role
from tests.support import factories
from tests.support.cli_app import Shell, open_shell
from tests.support.panel_app import Panel, Visitor, open_panel
from tests.support.panel_seed import furnish


@pytest.fixture
def panel(tmp_path: Path, sqlite_url: str, redis_url: str, redis: Redis) -> Iterator[Panel]:
    with open_panel(tmp_path, sqlite_url, redis_url) as opened:
        furnish(opened.rt)
        yield opened


@pytest.fixture
def manager(panel: Panel) -> Visitor:
    return panel.of(Role.MANAGER)


@pytest.fixture
def shell(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> Iterator[Shell]:
    with open_shell(tmp_path, database_url, redis_url) as opened:
        yield opened


def _found(panel: Panel, name: str) -> Attribute | None:
    with panel.rt.database.read() as session:
        return session.scalar(select(Attribute).where(Attribute.name == name))


def _id(panel: Panel, name: str) -> int:
    found = _found(panel, name)
    assert found is not None
    return found.id


def test_a_manager_adds_changes_and_deletes_an_attribute(panel: Panel, manager: Visitor) -> None:
    shown = manager.post("/attributes/add", name="visits", type="number", default="0")
    assert "Added." in shown
    assert ">visits</td><td>number</td><td>0</td>" in shown
    key = _id(panel, "visits")
    assert "Saved." in manager.post(f"/attributes/{key}/change", type="number", default="1.50")
    with panel.rt.database.read() as session:
        assert session.get_one(Attribute, key).default == "1.5"
        written = session.scalars(select(Audit).where(Audit.action == "update")).one()
        assert (written.object_type, written.object_id) == ("attribute", str(key))
        assert written.detail == {"name": "visits", "default": "0 → 1.5"}
    asked = manager.send(f"/attributes/{key}/delete").text
    assert "Delete the attribute “visits”?" in asked
    assert _found(panel, "visits") is not None
    assert "Deleted." in manager.post(f"/attributes/{key}/delete", confirmed="1")
    assert _found(panel, "visits") is None
    assert [what for who, what in panel.audited() if who == "manager@example.com"][-3:] == ["add", "update", "delete"]


def test_bad_input_is_one_line_and_changes_nothing(panel: Panel, manager: Visitor) -> None:
    for name, kind, default, said in (
        ("shop", "text", "", "there is an attribute of that name already"),
        ("country", "text", "", "every contact has that field already"),
        ("visits", "number", "many", "no number such as 12"),
        ("visits", "money", "", "is not one of text, number, date, boolean"),
        ("", "text", "", "has no name"),
    ):
        assert said in manager.post("/attributes/add", name=name, type=kind, default=default)
    assert _found(panel, "visits") is None
    assert "no such attribute" in manager.post("/attributes/999/change", type="text", default="")
    assert "no such attribute" in manager.post("/attributes/999/delete")


def test_a_viewer_sees_attributes_and_changes_none(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    shown = viewer.get("/attributes/")
    assert ">shop</td>" in shown
    assert "Change or delete" not in shown
    assert viewer.send("/attributes/add", name="visits", type="text").status_code == 403


def test_a_contact_s_form_refuses_a_value_that_is_not_of_the_type(panel: Panel, manager: Visitor) -> None:
    manager.post("/attributes/add", name="visits", type="number", default="")
    key = _id(panel, "visits")
    shown = manager.refused("/contacts/1/edit", 400, **{"name": "Ana", f"attribute-{key}": "many"})
    assert "no number such as 12" in shown
    manager.post("/contacts/1/edit", **{"name": "Ana", f"attribute-{key}": "12"})
    with panel.rt.database.read() as session:
        assert session.get_one(Contact, 1).attributes["visits"] == 12


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
        factories.make_attribute(session, "visits")
        factories.make_contact(session, attributes={"visits": "many"})
    assert "already" in shell.refused("attributes", "add", "visits", "--type", "text")
    assert "no date" in shell.refused("attributes", "add", "born", "--type", "date", "--default", "soon")
    assert "1 stored value is no number" in shell.refused("attributes", "set", "visits", "--type", "number")
    assert "there is no attribute" in shell.refused("attributes", "set", "born", "--default", "x")
    assert "--default" in shell.refused("attributes", "set", "visits", code=2)
    assert "money" in shell.refused("attributes", "add", "paid", "--type", "money", code=2)
