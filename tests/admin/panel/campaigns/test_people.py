"""The people of a campaign: who is unsure, who was settled, and the export."""

import re

import pytest
from sqlalchemy import select

from admin.panel.campaigns import people as campaign_people
from jobs.campaigns.launch import launch_campaign
from models.clock import utcnow
from models.stored_texts import NO_REASON
from models.tables.recipient import Recipient, RecipientState
from models.tables.user import Role
from tests.support.campaign_form import FORM
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def test_unsure_messages_are_left_or_sent_again_only_when_asked(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        for row in session.scalars(select(Recipient).where(Recipient.state == RecipientState.QUEUED)):
            row.state, row.unsure_at, row.attempts = RecipientState.UNSURE, utcnow(), 1
    with panel.rt.database.read() as session:
        first, second = session.scalars(
            select(Recipient.id).where(Recipient.state == RecipientState.UNSURE).order_by(Recipient.id)
        )
    assert "2 unsure" in manager.get("/campaigns/1/")
    assert "second time" in manager.refused("/campaigns/1/unsure/again", status=200, recipient=str(first))
    assert "1 queued once more" in manager.post("/campaigns/1/unsure/again", recipient=str(first), confirmed="1")
    assert "1 left as they are" in manager.post("/campaigns/1/unsure/leave", recipient=str(second))
    with panel.rt.database.read() as session:
        assert session.get_one(Recipient, first).state is RecipientState.QUEUED
        assert session.get_one(Recipient, second).left_at is not None


def test_whom_metas_report_settled_stays_listed_after_the_open_ones(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        settled, still_open = session.scalars(select(Recipient).where(Recipient.state == RecipientState.QUEUED))
        for row in (settled, still_open):
            row.state, row.unsure_at = RecipientState.UNSURE, utcnow()
            row.error_msg = row.detail = "No clear answer: a test."
        settled.state, settled.error_msg = RecipientState.ACCEPTED, None
        settled.accepted_at = settled.delivered_at = utcnow()
        contacts = [f"/contacts/{row.contact_id}/" for row in (still_open, settled)]
    answer = manager.client.get("/admin/campaigns/1/live").json
    assert answer is not None
    assert "1 unsure</b> · 1 more settled by Meta." in answer["parts"]["notice"]
    page = manager.get("/campaigns/1/people?status=unsure")
    assert 0 < page.index(contacts[0]) < page.index(contacts[1])
    before, after = page[: page.index(contacts[1])], page[page.index(contacts[1]) :]
    assert "No clear answer: a test." in before
    assert "Send again" in before
    assert "No clear answer: a test." in after
    assert "Settled by Meta&#39;s report" in after
    assert "Delivered" in after
    assert "Send again" not in after
    monkeypatch.setattr(campaign_people, "PAGE_ROWS", 1)
    first = manager.get("/campaigns/1/people?status=unsure")
    found = re.search(r'href="/admin(/campaigns/1/people[^"]*after=[^"]*)"', first)
    assert found, first
    second = manager.get(found[1].replace("&amp;", "&"))
    assert (contacts[0] in first, contacts[1] in first) == (True, False)
    assert (contacts[0] in second, contacts[1] in second) == (False, True)
    manager.post("/campaigns/1/unsure/leave")
    with panel.rt.database.write() as session:
        session.get_one(Recipient, still_open.id).state = RecipientState.ACCEPTED
    assert "2 were unsure until Meta settled them." in manager.get("/campaigns/1/")


def test_the_export_is_the_public_file(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    answer = manager.client.get("/admin/campaigns/1/export.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert lines[0].startswith("\ufeffphone,name,status,"), "Excel knows UTF-8 by the mark"
    assert len(lines) == 4
    assert "export" in [action for _, action in panel.audited()]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
def test_only_managers_take_everybodys_numbers_out(panel: Panel, manager: Visitor, role: Role) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    visitor = panel.of(role)
    assert "export.csv" not in visitor.get("/campaigns/1/")
    assert "export.csv" not in visitor.get("/campaigns/1/people")
    visitor.get("/campaigns/1/export.csv", status=403)
    assert "export" not in [action for _, action in panel.audited()]


def test_a_failure_without_a_reason_is_shown_as_such_and_never_with_code_0(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        first, second = session.scalars(select(Recipient).where(Recipient.state == RecipientState.QUEUED)).all()
        for row, code, text in ((first, None, NO_REASON().stored()), (second, 0, "")):
            row.state, row.attempts, row.accepted_at, row.failed_at = RecipientState.ACCEPTED, 1, utcnow(), utcnow()
            row.error_code, row.error_msg = code, text
    for path in ("/campaigns/1/", "/campaigns/1/people?status=failed"):
        page = manager.get(path)
        assert "No reason was given." in page
        assert not re.search(r"<code>0</code>|\b0: |&#34;0&#34;", page)
