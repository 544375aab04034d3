"""The page of tags."""

import pytest
from sqlalchemy import select

from models.tables.tag import ContactTag, Tag
from models.tables.user import Role
from tests.support.factories.common import NOW
from tests.support.panel_app import Panel, Visitor, said
from tests.support.panel_rows import tag_id

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]
HEADING = "One name in two spellings"


def test_a_tag_in_another_case_is_there_already(panel: Panel, manager: Visitor) -> None:
    assert "VIP: there is a tag of that name already" in said(manager.post("/tags/add", name="VIP"))
    manager.post("/tags/add", name="gold")
    assert "There is a tag “vip” already" in said(manager.post(f"/tags/{tag_id(panel, 'gold')}/rename", name="Vip"))
    assert HEADING not in said(manager.get("/tags/"))


def test_one_name_in_two_spellings_is_shown_and_merged_once_that_was_confirmed(panel: Panel, manager: Visitor) -> None:
    kept = tag_id(panel, "vip")
    with panel.rt.database.write() as session:
        people = session.scalars(select(ContactTag.contact_id).where(ContactTag.tag_id == kept)).all()
        twin = Tag(name="VIP", description="", created_at=NOW)
        session.add(twin)
        session.flush()
        twin_id = twin.id
        session.add(ContactTag(contact_id=people[0], tag_id=twin_id, value="gold", created_at=NOW))
    assert HEADING in said(manager.get("/tags/"))
    assert "Whoever carries “VIP” carries “vip” instead" in said(manager.send(f"/tags/{kept}/merge/{twin_id}").text)
    assert "not one name in two spellings" in said(manager.post(f"/tags/{kept}/merge/{tag_id(panel, 'city')}"))
    assert panel.of(Role.AGENT).send(f"/tags/{kept}/merge/{twin_id}", confirmed="1").status_code == 403
    assert "Merged." in manager.post(f"/tags/{kept}/merge/{twin_id}", confirmed="1")
    assert HEADING not in said(manager.get("/tags/"))
    with panel.rt.database.read() as session:
        assert session.get(Tag, twin_id) is None
        assert session.get_one(ContactTag, (people[0], kept)).value == "gold"
