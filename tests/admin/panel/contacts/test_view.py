"""Contacts in the panel: searching, one person's page, adding and changing."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from jobs.imports.uploads import rejects_path
from models.tables.contact import Consent, Contact
from models.tables.order import Order
from models.tables.user import Role
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_order
from tests.support.panel_app import Panel, Visitor, said
from tests.support.panel_rows import contact
from tests.support.panel_seed import KEPT

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("q=alice", "Alice", "Bob"),
        ("q=%2B34600000002", "Bob", "Alice"),
        ("tag=city&value=Madrid", "Person 3", "Alice"),
        ("list=1", "Alice", "Person 30"),
        ("consent=unsubscribed", "Bob", "Alice"),
    ],
)
def test_contacts_are_found(query: str, found: str, not_found: str, manager: Visitor) -> None:
    page = said(manager.get(f"/contacts/?{query}").partition("<table>")[2])
    assert found in page
    assert not_found not in page


def test_contacts_go_on_by_key(manager: Visitor) -> None:
    following = re.search(r'href="([^"]+after=\d+)" rel="next"', manager.get("/contacts/"))
    assert following
    assert "Alice" in manager.client.get(following[1].replace("&amp;", "&")).text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"phone": ""}, "It is missing"),
        ({"phone": "nonsense"}, "no phone number"),
        ({"phone": "+34600000001"}, "already"),
        ({"phone": "+447700900009", "consent": "subscribed"}, "needs a consent_source"),
        ({"phone": "+447700900009", "language": "Klingon!"}, "no language code"),
        ({"phone": "+447700900009", "tags": "=x"}, "has no name"),
    ],
)
def test_a_contact_that_cannot_be_is_refused_beside_its_field(
    fields: dict[str, Any], sentence: str, manager: Visitor
) -> None:
    page = manager.refused("/contacts/new", **fields)
    (wrong,) = re.findall(r'class="wrong"[^>]*>([^<]*)<', page)
    assert sentence in wrong


def test_a_contact_is_added_changed_tagged_and_forgotten(panel: Panel, manager: Visitor) -> None:
    page = manager.post(
        "/contacts/new",
        phone="+44 7700 900009",
        name="Zoe",
        consent="subscribed",
        consent_source="shop",
        tags="vip;city=York",
    )
    assert "city = York" in page
    with panel.rt.database.read() as session:
        zoe = session.scalars(select(Contact.id).where(Contact.phone == "+447700900009")).one()
    page = manager.refused(f"/contacts/{zoe}/edit", name="Zoe", email="z@example.com", country="Nowhere")
    assert "no country code" in page
    assert contact(panel, zoe).email is None
    manager.post(f"/contacts/{zoe}/edit", name="Zoë", email="z@example.com", **{"attribute-1": "Main street"})
    assert (contact(panel, zoe).name, contact(panel, zoe).attributes) == ("Zoë", {"shop": "Main street"})
    manager.post(f"/contacts/{zoe}/tag", tag="code", value="4711")
    assert "code = 4711" in manager.post(f"/contacts/{zoe}/untag", tag="vip")
    kept = rejects_path(panel.rt, KEPT)
    kept.write_text("refused_line,refused_why,phone\r\n2,x,+44 7700 900009\r\n3,x,7\r\n", encoding="utf-8", newline="")
    admin = panel.of(Role.ADMIN)
    assert "wiped" in admin.post(f"/contacts/{zoe}/redact", confirmed="1")
    assert contact(panel, zoe).consent is Consent.REDACTED
    assert kept.read_bytes() == b"refused_line,refused_why,phone\r\n3,x,7\r\n"


def test_a_person_s_page_shows_what_they_ordered(panel: Panel, manager: Visitor) -> None:
    assert "Orders" not in said(manager.get("/contacts/2/"))
    coat = [{"title": "Coat", "quantity": 2}, {"title": "<Hat>"}]
    with panel.rt.database.write() as session:
        bob = session.get_one(Contact, 2)
        for place in range(51):
            make_order(session, bob, number=f"#{place}", now=NOW + timedelta(days=place))
        make_order(session, bob, number="#yen", total=1500.125, currency="TND", items=coat)
        newest = NOW + timedelta(days=60)
        make_order(session, bob, number="#gone", total=7, now=newest, cancelled_at=newest)
    page = manager.get("/contacts/2/")
    assert "52 orders, 510.00 EUR, 1500.125 TND · 1 cancelled" in said(page)
    numbers = re.findall(r'<td class="nowrap">(#\w+)', page)
    assert (len(numbers), numbers[:3]) == (50, ["#gone", "#50", "#49"])
    assert "The newest 50." in page
    with panel.rt.database.write() as session:
        session.execute(delete(Order).where(Order.number.not_in(["#yen"])))
    page = manager.get("/contacts/2/")
    assert "Coat × 2, &lt;Hat&gt;" in page
    assert "1 order, 1500.125 TND" in said(page)


def test_consent_changes_as_far_as_an_operators_word_goes(panel: Panel, manager: Visitor) -> None:
    agent = panel.of(Role.AGENT)
    agent.post("/contacts/1/consent", consent="unsubscribed", source="panel")
    assert contact(panel).consent is Consent.UNSUBSCRIBED
    assert "only the person may change it" in manager.post("/contacts/1/consent", consent="subscribed", source="x")
    assert contact(panel).consent is Consent.UNSUBSCRIBED
    assert "Only the person can change this" in manager.get("/contacts/1/")
    assert "manager@example.com" not in manager.get("/contacts/1/").partition("<main")[2]


def test_a_persons_data_is_exported_whole_and_that_is_in_the_audit(panel: Panel, manager: Visitor) -> None:
    assert "/contacts/1/person.json" in manager.get("/contacts/1/")
    answer = manager.client.get("/admin/contacts/1/person.json")
    assert answer.mimetype == "application/json"
    assert 'filename="contact-1.json"' in answer.headers["Content-Disposition"]
    found = json.loads(answer.text)
    assert found["contact"]["name"] == "Alice"
    assert [message["body"] for message in found["messages"]] == ["Do you have it in green?"]
    assert ("manager@example.com", "export") in panel.audited()
    manager.get("/contacts/999/person.json", 404)
    assert "person.json" not in panel.of(Role.AGENT).get("/contacts/1/")
    panel.of(Role.AGENT).get("/contacts/1/person.json", 403)


def test_what_a_form_chose_stays_chosen_where_the_list_is_cut_short(manager: Visitor) -> None:
    app = manager.shell.app
    with app.app_context():
        macro: Any = app.jinja_env.get_template("panel/parts.html").module
        html = macro.select("who", "tag:zz", [("tag:a", "tag a")], empty="nobody")
        assert '<option value="tag:zz" selected>' in html
        assert "selected" not in macro.select("who", "", [("tag:a", "tag a")], empty="nobody")
        assert macro.select("who", "tag:a", [("tag:a", "tag a")]).count("<option") == 1
