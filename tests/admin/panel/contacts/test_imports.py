"""Importing a file by the panel: what it would do, doing it, and who may see the file."""

import io
import os
import stat
import time
from typing import Any

import pytest
from sqlalchemy import func, select

from jobs.imports import orders as order_imports
from jobs.imports import run as import_turns
from jobs.imports import staging as import_spool
from jobs.imports import uploads as import_shelf
from jobs.imports.run import run_import, wake_imports
from jobs.imports.uploads import (
    upload_path,
    uploads_directory,
)
from models.clock import utcnow
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.order import Order
from models.tables.tag import ContactList, ListMember
from tests.support.factories.contacts import ALICE_PHONE, BOB_PHONE, alice, bob
from tests.support.import_pages import CHOSEN, PEOPLE, brought, count, finish, known, looked_at
from tests.support.panel_app import Panel, Visitor, said

pytestmark = pytest.mark.sqlite_unless_proved


def test_an_import_says_what_it_would_do_and_then_does_it_once(panel: Panel, manager: Visitor) -> None:
    token = brought(manager)
    page = manager.get(f"/contacts/import/{token}/columns")
    assert "vip;city=Madrid" in page
    assert 'value="phone" selected' in page
    page = looked_at(manager, token, **CHOSEN)
    assert "2 new 0 changed 0 as they are 1 refused" in page
    assert "needs a consent_source" in page
    assert count(panel) == 0
    assert "Importing" in manager.post(f"/contacts/import/{token}/go")
    assert count(panel) == 0
    run_import(token)
    assert "2 added 0 changed 0 as they were 1 refused" in said(manager.get(f"/contacts/import/{token}/"))
    assert "is over" in manager.post(f"/contacts/import/{token}/go")
    with panel.rt.database.read() as session:
        person = session.scalars(select(Contact).order_by(Contact.id)).first()
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
    assert event is not None
    assert person is not None
    assert (person.name, person.attributes) == ("Ana", {"Shop": "Sol"})
    assert (event.source, event.actor, event.proof) == ("web", "manager@example.com", "people.csv line 2")
    assert ("manager@example.com", "import") in panel.audited()


def test_nobody_else_reads_the_file_and_it_goes_with_its_import(panel: Panel, manager: Visitor) -> None:
    token = brought(manager)
    kept = known(panel, token)
    looked_at(manager, token, **CHOSEN)
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in uploads_directory(panel.rt, token).rglob("*") if path.is_file()
    }
    assert modes == {0o600}
    assert stat.S_IMODE(uploads_directory(panel.rt, token).stat().st_mode) == 0o700
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    assert not upload_path(panel.rt, kept).exists()
    assert (
        "Choose it again" in manager.client.get(f"/admin/contacts/import/{token}/columns", follow_redirects=True).text
    )
    old = time.time() - import_shelf.MAX_AGE_SECONDS - 1
    os.utime(uploads_directory(panel.rt, token) / "state.json", (old, old))
    wake_imports(panel.rt, utcnow())
    assert not uploads_directory(panel.rt, token).exists()


def test_a_file_with_a_long_name_in_any_script_is_taken(panel: Panel, manager: Visitor) -> None:
    assert known(panel, brought(manager, "phone\n", name=f"{'顧客' * 60}.csv")).name == f"{'顧客' * 28}.csv"


def test_refused_rows_come_back_as_a_file_to_be_mended(manager: Visitor) -> None:
    token = brought(manager)
    looked_at(manager, token, **CHOSEN)
    lines = manager.get(f"/contacts/import/{token}/refused.csv").splitlines()
    assert lines[0] == "\ufeffrefused_line,refused_why,Teléfono,Full name,Opt-in,Where,Labels,Shop,Notes"
    assert len(lines) == 2
    assert lines[1].startswith("4,")
    assert lines[1].endswith(",nonsense,'=Carl,unknown,,,,")  # no spreadsheet runs it
    page = manager.get(f"/contacts/import/{brought(manager, chr(10).join(lines))}/columns")
    assert page.count('value="" selected') == 2  # the line and the reason


def test_words_of_consent_are_asked_about_once_and_a_column_without_a_name_is_left_out(
    panel: Panel, manager: Visitor
) -> None:
    token = brought(manager, "Phone,,Newsletter,Country\n+447700900001,x,YES,GB\n07700900002,,no,GB\n")
    page = manager.get(f"/contacts/import/{token}/columns")
    assert "The encoding is Unicode (UTF-8)." in said(page)
    assert "column 2" in page
    chosen: dict[str, Any] = {"c0": "phone", "c1": "", "c2": "consent", "c3": "country", "source": "Shop"}
    asked = manager.refused(f"/contacts/import/{token}/columns", **chosen)
    assert "Say what the words of the consent column mean." in asked
    assert 'name="word" value="yes"' in asked
    words = {"word": ["yes", "no"], "meaning": ["subscribed", "as_it_was"]}
    page = looked_at(manager, token, **chosen, **words)
    assert "2 new 0 changed 0 as they are 0 refused" in page
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    with panel.rt.database.read() as session:
        rows = {contact.phone: contact.consent for contact in session.scalars(select(Contact))}
    assert rows == {"+447700900001": Consent.SUBSCRIBED, "+447700900002": Consent.UNKNOWN}


def test_what_would_change_is_told_line_by_line(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        alice(session, tags={"city": "Lisboa", "vip": None}, consent=Consent.UNKNOWN)
    text = (
        "phone,name,language,consent,consent_source,tags,shop\n"
        f"{ALICE_PHONE},Alicia,es,subscribed,web,vip;city=Madrid;new,Sol\n{BOB_PHONE},Bob,,,,,\n"
    )
    token = brought(manager, text)
    names = ("phone", "name", "language", "consent", "consent_source", "tags", "new")
    page = looked_at(manager, token, **{f"c{place}": name for place, name in enumerate(names)})
    assert "1 new 1 changed" in page
    said_of = "2 name Alice → Alicia; language es; shop Sol; consent unknown → subscribed; tag city = Lisboa → Madrid; tag new"
    assert said_of in page
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    assert "What would change" not in said(manager.get(f"/contacts/import/{token}/"))


def test_a_file_of_orders_goes_the_same_way(panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_imports, "CHUNK", 1)
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    with panel.rt.database.write() as session:
        alice(session)
    text = (
        "Pedido;Telefono;Importe;Moneda;Fecha;Producto;Notas\n"
        f"1;{ALICE_PHONE};59,90;EUR;2026-11-20;Boots;x\n1;;;;;Laces;\n"
        "2;+447700900099;5;EUR;2026-11-20;Shoes;\n2;;;;;Socks;\n"
        f"3;{ALICE_PHONE};5;EUR;2026-11-20;;\n"
    )
    token = brought(manager, text, "orders.csv", what="orders")
    page = manager.get(f"/contacts/import/{token}/columns")
    assert "Orders, with semicolons between the columns" in page
    assert [f'value="{name}" selected' in page for name in ("order_id", "total", "placed_at", "product")] == [True] * 4
    chosen: dict[str, Any] = dict(
        zip(
            ("c0", "c1", "c2", "c3", "c4", "c5"),
            ("order_id", "phone", "total", "currency", "placed_at", "product"),
            strict=True,
        )
    )
    wrong = manager.refused(f"/contacts/import/{token}/columns", **chosen | {"c2": ""})
    assert "Choose the column that holds the total." in wrong
    assert "When it was placed: choose its column." in manager.refused(
        f"/contacts/import/{token}/columns", **chosen | {"c4": ""}
    )
    manager.post(f"/contacts/import/{token}/columns", **chosen)
    finish(panel, token)
    page = said(manager.get(f"/contacts/import/{token}/"))
    assert "2 new 0 changed 0 as they are 2 lines refused" in page
    assert "Import 2 orders" in page
    manager.post(f"/contacts/import/{token}/go")
    assert finish(panel, token) == 3
    assert "2 added 0 changed 0 as they were 2 lines refused" in said(manager.get(f"/contacts/import/{token}/"))
    lines = manager.get(f"/contacts/import/{token}/refused.csv").splitlines()
    assert [line.split(",")[0] for line in lines] == ["\ufeffrefused_line", "4", "5"]
    with panel.rt.database.read() as session:
        assert set(session.scalars(select(Order.external_id))) == {"1", "3"}
    assert ("manager@example.com", "import") in panel.audited()


def test_a_file_puts_people_on_a_list_that_is_made_then(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        alice(session)
        bob(session)
    assert 'value="list" checked' in manager.get("/contacts/import?what=list&list=Guests")
    text = f"Handy;Name\n{ALICE_PHONE};x\n600000099;y\n+34600000099;y\n{BOB_PHONE};z\n"
    token = brought(manager, text, "guests.csv", what="list", list="Guests")
    assert "A list has no name" in manager.refused(f"/contacts/import/{token}/columns", c0="phone", list_name=" ")
    page = looked_at(manager, token, c0="phone", list_name="Guests")
    assert "to the list “Guests” 2 to be added 0 on it already 2 refused" in page
    assert "Put 2 people on the list" in page
    with panel.rt.database.read() as session:
        assert session.scalar(select(ContactList.id)) is None
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    assert "2 added 0 were on it 2 refused" in said(manager.get(f"/contacts/import/{token}/"))
    with panel.rt.database.read() as session:
        (made,) = session.scalars(select(ContactList))
        assert session.scalar(select(func.count()).where(ListMember.list_id == made.id)) == 2
    assert ("manager@example.com", "fill") in panel.audited()
    again = brought(manager, text, "guests.csv", what="list", list="Guests")
    assert "There is nobody to put on it" in looked_at(manager, again, c0="phone", list_name="Guests")


def test_a_file_that_cannot_be_read_to_its_end_says_so_and_leads_back(
    manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "MAX_ROWS", 1)
    assert "has more than 1 rows" in looked_at(manager, brought(manager, PEOPLE), **CHOSEN | {"source": "x"})


@pytest.mark.parametrize("token", ["..", "x", "x" * 30, "%2e%2e%2fsecret_key", "state.json"])
def test_an_import_reads_no_other_file(token: str, manager: Visitor) -> None:
    for path in ("", "columns", "refused.csv", "live"):
        answer = manager.client.get(f"/admin/contacts/import/{token}/{path}", follow_redirects=True)
        assert answer.status_code in {200, 404}
        assert "Teléfono" not in answer.text
    assert manager.send(f"/contacts/import/{token}/go").status_code in {303, 308, 404, 405}


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", b""),
        ("people.pdf", b"phone\n"),
        ("people.xlsx", b"no sheet"),
        ("people.xlsx", b"PK\x03\x04no sheet"),
        ("x.csv", b"\xff\xfe\0"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line_and_not_kept(
    name: str, content: bytes, panel: Panel, manager: Visitor
) -> None:
    page = manager.refused("/contacts/import", file=(io.BytesIO(content), name))
    assert page.count('class="wrong"') == 1
    assert not list((panel.rt.settings.var_dir / "imports").glob("*"))
