"""Following up the people behind a figure: by one press, without JavaScript, and only by who may."""

import re
from html import unescape
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from jobs.follow_up.fill_lists import fill_list
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.list_fill import ListFill
from models.tables.recipient import NotSent, RecipientState
from models.tables.segment import Segment
from models.tables.tag import ContactList
from models.tables.user import Role
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, Visitor, said

pytestmark = pytest.mark.sqlite_only
WITHOUT_REPLY = {"status": "read,-replied"}


@pytest.fixture
def ended(panel: Panel) -> int:
    """A campaign that two people read, of whom one replied; one failed, one was left out."""
    with panel.rt.database.write() as session:
        campaign = make_campaign(session, name="Spring", status=CampaignStatus.ENDED, launched_at=NOW, ended_at=NOW)
        reader: dict[str, Any] = {
            "accepted_at": NOW,
            "delivered_at": NOW,
            "read_at": NOW,
            "state": RecipientState.ACCEPTED,
        }
        make_recipient(session, campaign, make_contact(session, name="=Reader"), **reader)
        make_recipient(session, campaign, make_contact(session, name="Replier"), **reader, replied_at=NOW)
        failed: dict[str, Any] = {"state": RecipientState.REFUSED, "error_code": 131049}
        make_recipient(session, campaign, make_contact(session, name="Kept back"), **failed)
        left_out: dict[str, Any] = {"state": RecipientState.NOT_SENT, "reason": NotSent.NOT_SUBSCRIBED}
        make_recipient(session, campaign, make_contact(session, name="Stranger"), **left_out)
        return campaign.id


def test_every_figure_has_its_menu_and_only_for_who_may(panel: Panel, ended: int, manager: Visitor) -> None:
    page = unescape(manager.get(f"/campaigns/{ended}/"))
    menus = re.findall(r'<summary aria-label="Follow up: ([^"]+)"', page)
    assert menus[1:7] == ["Candidates", "Eligible", "Sent", "Delivered", "Read", "Replied"]
    assert {"Read, no reply", "Delivered, not read", "Failed for a passing reason", "error 131049", "Failed"} <= set(
        menus
    )
    assert "Not subscribed" in menus
    listed = manager.get(f"/campaigns/{ended}/people?status=read,-replied")
    assert ("=Reader" in listed, "Replier" in listed, "Read, no reply" in listed) == (True, False, True)
    codes = unescape(re.findall(r'href="([^"]*codes=[^"]*)"', manager.get(f"/campaigns/{ended}/people"))[0])
    assert "Kept back" in manager.get(codes.removeprefix("/admin"))
    viewer = panel.of(Role.VIEWER)
    assert "follow-items" not in viewer.get(f"/campaigns/{ended}/")
    assert viewer.send(f"/campaigns/{ended}/follow-up/make", make="live").status_code == 403
    assert viewer.client.get(f"/admin/campaigns/{ended}/export.xlsx").status_code == 403


def test_one_press_makes_a_draft_to_whoever_is_in_it_when_it_starts(panel: Panel, ended: int, manager: Visitor) -> None:
    page = manager.post(f"/campaigns/{ended}/follow-up/make", make="live", **WITHOUT_REPLY)
    assert "This is the draft" in page
    manager.post(f"/campaigns/{ended}/follow-up/make", make="segment", **WITHOUT_REPLY)
    with panel.rt.database.read() as session:
        draft = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
        assert draft is not None
        assert (draft.status, draft.name) == (CampaignStatus.DRAFT, "Follow-up to Spring: read, no reply")
        assert draft.number_id == session.get_one(Campaign, ended).number_id
        (segment,) = session.scalars(select(Segment))  # the second press found it
        assert draft.audience["include"] == [{"segment": segment.name}]
        assert segment.name == f"Spring ({ended}): Read, no reply"
    shown = unescape(said(manager.get(f"/segments/{segment.id}/")))
    assert "is in “Read” of “Spring”" in shown
    assert "is not in “Replied” of “Spring”" in shown
    edited = manager.get(f"/segments/{segment.id}/edit")
    assert '<option value="replied" selected>' in edited


def test_one_press_freezes_them_on_a_list_and_names_can_be_chosen(panel: Panel, ended: int, manager: Visitor) -> None:
    manager.post(f"/campaigns/{ended}/follow-up/make", make="frozen", **WITHOUT_REPLY)
    page = manager.post(f"/campaigns/{ended}/follow-up/make", make="list", name="Readers", status="read")
    assert "being put on it: 0 %" in said(page)
    with panel.rt.database.read() as session:
        fills = list(session.scalars(select(ListFill.id)))
        draft = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
        names = list(session.scalars(select(ContactList.name).order_by(ContactList.id)))
        assert draft is not None
        assert draft.audience["include"] == [{"list": names[0]}]
        assert names[1] == "Readers"
    for fill_id in fills:
        fill_list(fill_id)
    page = said(manager.get("/lists/2/"))
    assert "2 people" in page
    assert "2 of them new" in page
    choosing = manager.get(f"/campaigns/{ended}/follow-up?status=read,-replied")
    assert f"Spring ({ended}): Read, no reply" in choosing
    again = manager.post(f"/campaigns/{ended}/follow-up/make", make="list", name="Readers", status="read")
    assert "There is a list “Readers” already" in unescape(again)
    assert "allowed are" in manager.post(f"/campaigns/{ended}/follow-up/make", make="live", status="nonsense")
    manager.refused(f"/campaigns/{ended}/follow-up/make", make="else")


def test_exports_have_the_chosen_people_and_columns_as_csv_and_xlsx(panel: Panel, ended: int, manager: Visitor) -> None:
    columns = manager.get(f"/campaigns/{ended}/export?status=read")
    assert '<input type="hidden" name="status" value="read">' in columns
    asked = f"/admin/campaigns/{ended}/export.%s?status=read,-replied&column=name&column=status"
    csv = manager.client.get(asked % "csv")
    assert csv.data.decode() == "\ufeffname,status\r\n'=Reader,read\r\n"
    xlsx = manager.client.get(asked % "xlsx")
    sheet = openpyxl.load_workbook(BytesIO(xlsx.data)).active
    assert sheet is not None
    assert [tuple(cell.value for cell in row) for row in sheet.iter_rows()] == [
        ("name", "status"),
        ("'=Reader", "read"),
    ]
    manager.get(f"/campaigns/{ended}/export.csv?status=nonsense", 404)
    for page, file in (("", "contacts"), ("?q=Reader", "contacts"), ("cases?show=open", "cases"), ("orders", "orders")):
        assert f'action="/admin/exports/{file}.csv"' in manager.get(f"/exports/{page}")
        assert manager.client.get(f"/admin/exports/{file}.csv").status_code == 200
    found = manager.client.get("/admin/exports/contacts.csv?q=Reader&column=name&column=tags").data.decode()
    assert found == "\ufeffname,tags\r\n'=Reader,vip\r\n"
    manager.post(f"/campaigns/{ended}/follow-up/make", make="segment", **WITHOUT_REPLY)
    assert manager.client.get("/admin/exports/segments/1.csv?column=name").data.decode() == "\ufeffname\r\n'=Reader\r\n"
    with panel.rt.database.read() as session:
        entries = session.execute(select(Audit.object_type, Audit.actor).where(Audit.action == AuditAction.EXPORT))
        kinds = [row.object_type for row in entries if row.actor == "manager@example.com"]
    assert kinds == ["campaign", "campaign", "contacts", "contacts", "cases", "orders", "contacts", "segment"]
