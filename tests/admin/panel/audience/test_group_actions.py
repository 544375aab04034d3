"""Renaming and deleting tags, lists and segments."""

import pytest
from sqlalchemy import select

from admin.operations.segments import put_segment
from jobs.core.queues import CHORES, queue
from jobs.maintenance.purge import purge
from models.tables.audit import Audit
from models.tables.contact import Contact
from models.tables.segment import Segment
from models.tables.tag import ContactList, ContactTag, Tag
from models.tables.user import Role
from tests.support.factories.contacts import put_tags
from tests.support.panel_app import Panel, Visitor, said
from tests.support.panel_rows import tag_id

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def make_crowd(panel: Panel) -> int:
    """A tag on everybody, which no bot flow and no campaign names."""
    with panel.rt.database.write() as session:
        put_tags(session, session.scalars(select(Contact)).all(), "crowd")
    return tag_id(panel, "crowd")


def test_groups_are_renamed_with_all_that_names_them(panel: Panel, manager: Visitor) -> None:
    put_segment(panel.rt, "Best", {"all": [{"on": "tag", "op": "has", "name": "vip"}]}, "test")
    vip, city = tag_id(panel, "vip"), tag_id(panel, "city")
    assert "Renamed." in manager.post(f"/tags/{vip}/rename", name=" gold ")
    assert "gold" in said(manager.get("/segments/2/"))
    assert "There is a tag “city” already" in said(manager.post(f"/tags/{vip}/rename", name="city"))
    assert "a character that is not allowed" in said(manager.post(f"/tags/{vip}/rename", name="a=b"))
    assert "named by the bot flow “spring_replies”" in said(manager.post(f"/tags/{city}/rename", name="town"))
    assert "Guests" in manager.post("/lists/1/rename", name="Guests")
    assert "<h1>Madrilenians</h1>" in manager.post("/segments/1/rename", name="Madrilenians")
    with panel.rt.database.read() as session:
        audited = session.scalars(select(Audit).where(Audit.action == "rename").order_by(Audit.id)).all()
    assert [(row.object_type, row.detail) for row in audited] == [
        ("tag", {"before": "vip", "after": "gold"}),
        ("list", {"before": "Regulars", "after": "Guests"}),
        ("segment", {"before": "Madrid", "after": "Madrilenians"}),
    ]
    assert panel.of(Role.AGENT).send("/lists/1/rename", name="No").status_code == 403


def test_groups_are_deleted_once_that_was_confirmed(panel: Panel, manager: Visitor) -> None:
    crowd = make_crowd(panel)
    put_segment(panel.rt, "Crowded", {"all": [{"on": "tag", "op": "has", "name": "crowd"}]}, "test")
    assert "63 people carry it" in said(manager.send(f"/tags/{crowd}/delete").text)
    used = said(manager.post(f"/tags/{crowd}/delete", confirmed="1"))
    assert "The tag “crowd” is still used by the segment “Crowded”" in used
    assert "Its rule is deleted" in said(manager.send("/segments/2/delete").text)
    manager.post("/segments/2/delete", confirmed="1")
    assert "Deleted." in manager.post(f"/tags/{crowd}/delete", confirmed="1")
    assert "5 people are on it" in said(manager.send("/lists/1/delete").text)
    manager.post("/lists/1/delete", confirmed="1")
    with panel.rt.database.read() as session:
        assert session.get(Tag, crowd) is None
        assert session.scalar(select(ContactList.id)) is None
        assert session.scalars(select(Segment.name)).all() == ["Madrid"]
        deleted = session.scalars(select(Audit.detail).where(Audit.action == "delete").order_by(Audit.id)).all()
    assert [row["name"] for row in deleted] == ["Crowded", "crowd", "Regulars"]
    assert "there is no such list" in said(manager.post("/lists/1/delete", confirmed="1"))


def test_a_large_tag_is_off_the_pages_at_once_and_gone_by_and_by(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.segments.rename_delete.SLICE", 20)
    crowd = make_crowd(panel)
    manager.post(f"/tags/{crowd}/delete", confirmed="1")
    for path in ("/tags/", "/contacts/", "/campaigns/new", "/segments/new", "/contacts/63/"):
        page = manager.get(path)
        assert "crowd" not in page
        assert "gone" not in page
    with panel.rt.database.read() as session:
        assert session.get_one(Tag, crowd).name.strip() == f"gone {crowd}"
    jobs = [job.func_name for job in queue(panel.rt.redis, CHORES).jobs]
    assert jobs.count("jobs.maintenance.purge.purge") == 1
    monkeypatch.setattr("jobs.maintenance.purge.runtime", lambda: panel.rt)
    purge()
    with panel.rt.database.read() as session:
        assert session.get(Tag, crowd) is None
        assert session.scalar(select(ContactTag.tag_id).where(ContactTag.contact_id == 63)) == tag_id(panel, "city")
