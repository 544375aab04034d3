"""The page of attributes, and the places where a value must be of its attribute's type."""

import pytest
from sqlalchemy import select

from models.tables.audit import Audit
from models.tables.contact import Contact
from models.tables.tag import Attribute
from models.tables.user import Role
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


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
