"""Lists, and tags and segments beside them: making them, and who is on one."""

import pytest
from sqlalchemy import select

from models.tables.tag import ContactList, ListMember
from tests.support.panel_app import Panel, Visitor, said

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_tags_lists_and_segments_are_made(panel: Panel, manager: Visitor) -> None:
    assert "summer" in manager.post("/tags/add", name="summer", description="Wants news in summer")
    assert "already" in manager.post("/tags/add", name="summer")
    assert "not allowed" in manager.post("/tags/add", name="a=b")
    assert "holds a character that is no text" in manager.post("/tags/add", name="odd", description="a\x00b")
    assert "at most 500" in manager.post("/tags/1/describe", description="d" * 501)
    assert "no text" in manager.post("/segments/1/rename", name="Mad\x00rid")
    manager.get("/tags/?after=%00")


def test_people_are_put_on_a_list_one_by_one_and_taken_off(panel: Panel, manager: Visitor) -> None:
    assert "Nobody is on it yet" in manager.post("/lists/add", name="Guests")
    assert "already" in manager.post("/lists/add", name="Guests")
    with panel.rt.database.read() as session:
        made = session.scalars(select(ContactList.id).where(ContactList.name == "Guests")).one()
    where = f"/lists/{made}"
    page = manager.post(f"{where}/put", people="id:1, +34 600 000 001; +34600000002")
    assert "2 put on the list" in page
    assert "+34600000002" in page
    assert "Everybody was on it already" in manager.post(f"{where}/put", people="id:1")
    for people, line in (
        ("", "Choose somebody first"),
        ("id:2, +34600000099", "There is no contact with the phone +34600000099"),
        ("id:3, id:9999", "Contact 9999: there is no such contact any more"),
        ("Ana", "no phone number"),
    ):
        assert line in said(manager.post(f"{where}/put", people=people))
    assert "Taken off" in manager.post(f"{where}/take", contact="1")
    assert "not on the list any more" in manager.post(f"{where}/take", contact="1")
    with panel.rt.database.read() as session:
        assert session.scalars(select(ListMember.contact_id).where(ListMember.list_id == made)).all() == [2]
    done = [action for _, action in panel.audited()]
    assert (done.count("add_members"), done.count("remove_members")) == (2, 1)
