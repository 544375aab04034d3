"""Making one record of two by hand."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models.clock import utcnow
from models.tables.audit import Audit
from models.tables.contact import Contact
from models.tables.user import Role
from tests.support.factories.contacts import make_contact, make_order
from tests.support.panel_app import Panel, Visitor, said
from tests.support.panel_rows import contact

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_two_records_are_made_one_by_hand_once_that_was_confirmed(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        later = utcnow() + timedelta(days=1)
        given: dict[str, Any] = {"name": "Alice L.", "email": "al@example.com", "tags": {"regular": None}}
        double = make_contact(session, now=later, **given).id
        make_order(session, session.get_one(Contact, double), number="#7")
        phone = session.get_one(Contact, double).phone
    asked = said(manager.send(f"/contacts/{double}/merge", other="/admin/contacts/1/").text)
    assert f"“Alice L., {phone}” becomes a part of “Alice" in asked
    assert "Name Alice Alice L." in asked
    assert f"{phone} still leads to this person" in asked
    assert contact(panel, double).merged_into_id is None
    page = said(manager.post(f"/contacts/{double}/merge", other="/admin/contacts/1/", confirmed="1"))
    assert "The two are one record now." in page
    assert "regular" in page
    assert "#7" in page
    assert f"Also found by {phone}" in page
    assert "Before the merge Name Alice L." in page
    assert contact(panel, double).merged_into_id == 1
    with panel.rt.database.read() as session:
        audited = session.scalars(select(Audit).where(Audit.action == "merge")).one()
    assert (audited.object_id, audited.detail) == (
        "1",
        {"merged": double, "kept_of_it": ["a number or id", "name"]},
    )
    assert "+34600000001" in manager.get(f"/contacts/?q={phone}")
    for _ in range(2):
        page = said(manager.post("/contacts/1/former/1/release"))
        assert "Also found by" not in page
    assert "does not lead to them any more" in page
    assert panel.of(Role.AGENT).send("/contacts/1/former/1/release").status_code == 403
    assert panel.of(Role.AGENT).send("/contacts/1/merge", other="+34600000002").status_code == 403


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ("/admin/contacts/1/", "That is this record itself"),
        ("+447700900077", "There is no contact with the phone +447700900077"),
        ("nonsense", "no phone number"),
        ("/admin/contacts/9999/", "there is no such contact"),
        ("/admin/contacts/2/", "they are two people"),
    ],
)
def test_what_cannot_be_one_record_is_said_in_a_line(other: str, line: str, panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        for key, wa_id in ((1, "34600000001"), (2, "34600000002")):
            session.get_one(Contact, key).wa_id = wa_id
    for confirmed in ("", "1"):
        assert line in said(manager.post("/contacts/1/merge", other=other, confirmed=confirmed))
