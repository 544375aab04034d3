"""Importing a file by the panel: its columns, what it would do, doing it, and what comes in between."""

import io
import json
import os
import stat
import time
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from admin.panel.contacts.import_columns import guess
from jobs.core.queues import CHORES, queue
from jobs.core.shutdown import SHUTDOWN
from jobs.imports import orders as order_imports
from jobs.imports import run as import_turns
from jobs.imports import staging as import_spool
from jobs.imports import uploads as import_shelf
from jobs.imports.run import run_import, wake_imports
from jobs.imports.uploads import (
    ImportFile,
    UploadKind,
    UploadStage,
    load_upload,
    locked,
    upload_path,
    uploads_directory,
)
from models.clock import utcnow
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.order import Order
from models.tables.tag import ContactList, ListMember
from tests.support.factories import ALICE_PHONE, BOB_PHONE, alice, bob
from tests.support.panel_app import Panel, Visitor, said

PEOPLE = """Teléfono,Full name,Opt-in,Where,Labels,Shop,Notes
+447700900001,Ana,subscribed,web,vip;city=Madrid,Sol,x
+447700900002,Ben,subscribed,,vip,Sol,
nonsense,=Carl,unknown,,,,
"""
CHOSEN = {"c0": "phone", "c1": "name", "c2": "consent", "c3": "consent_source", "c4": "tags", "c5": "new", "c6": ""}


def brought(manager: Visitor, content: str | bytes = PEOPLE, name: str = "people.csv", **fields: str) -> str:
    """The token of a file that was taken."""
    data = content.encode() if isinstance(content, str) else content
    answer = manager.send("/contacts/import", file=(io.BytesIO(data), name), **fields)
    assert answer.status_code == 303, said(answer.text)
    return str(answer.location.split("/")[-2])


def looked_at(manager: Visitor, token: str, **chosen: str) -> str:
    """The page after a worker has looked at it."""
    manager.post(f"/contacts/import/{token}/columns", **chosen)
    run_import(token)
    return said(manager.get(f"/contacts/import/{token}/"))


def known(panel: Panel, token: str) -> ImportFile:
    """What the shelf says of it."""
    found = load_upload(panel.rt, token)
    assert found
    return found


def finish(panel: Panel, token: str) -> int:
    """Turns until the stage is over; how many."""
    turns = 0
    while known(panel, token).stage in import_shelf.UNDER_WAY:
        run_import(token)
        turns += 1
    return turns


def count(panel: Panel) -> int:
    with panel.rt.database.read() as session:
        return session.scalar(select(func.count()).select_from(Contact)) or 0


def test_an_import_says_what_it_would_do_and_then_does_it_once(panel: Panel, manager: Visitor) -> None:
    token = brought(manager)
    page = manager.get(f"/contacts/import/{token}/columns")
    assert "vip;city=Madrid" in page
    assert 'value="phone" selected' in page
    page = looked_at(manager, token, **CHOSEN)
    assert "1 new 0 changed 0 as they are 2 refused" in page
    assert "needs a consent_source" in page
    assert count(panel) == 0
    assert "Importing" in manager.post(f"/contacts/import/{token}/go")
    assert count(panel) == 0
    run_import(token)
    assert "1 added 0 changed 0 as they were 2 refused" in said(manager.get(f"/contacts/import/{token}/"))
    assert "is over" in manager.post(f"/contacts/import/{token}/go")
    with panel.rt.database.read() as session:
        person = session.scalars(select(Contact)).one()
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
    assert event is not None
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
    old = time.time() - import_shelf.KEPT_SECONDS - 1
    os.utime(uploads_directory(panel.rt, token) / "state.json", (old, old))
    wake_imports(panel.rt, utcnow())
    assert not uploads_directory(panel.rt, token).exists()


def test_a_file_with_a_long_name_in_any_script_is_taken(panel: Panel, manager: Visitor) -> None:
    assert known(panel, brought(manager, "phone\n", name=f"{'顧客' * 60}.csv")).name == f"{'顧客' * 28}.csv"


def test_refused_rows_come_back_as_a_file_to_be_mended(manager: Visitor) -> None:
    token = brought(manager)
    looked_at(manager, token, **CHOSEN)
    lines = manager.get(f"/contacts/import/{token}/refused.csv").splitlines()
    assert lines[0] == "refused_line,refused_why,Teléfono,Full name,Opt-in,Where,Labels,Shop,Notes"
    assert lines[1].endswith(",+447700900002,Ben,subscribed,,vip,Sol,")
    assert lines[2].startswith("4,")
    assert lines[2].endswith(",nonsense,'=Carl,unknown,,,,")  # no spreadsheet runs it
    page = manager.get(f"/contacts/import/{brought(manager, chr(10).join(lines))}/columns")
    assert page.count('value="" selected') == 2  # the line and the reason


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"c0": ""}, "Choose the column that holds the phone."),
        ({"c1": "phone"}, "“Teléfono” and “Full name” are both taken as Phone"),
        ({"c3": ""}, "Consent needs its source"),
        ({"c1": "attribute:unknown"}, "“Full name” cannot be taken as that."),
        ({"c3": "", "source": "x" * 201}, "at most 200"),
    ],
)
def test_columns_that_cannot_be_imported_are_refused(changes: dict[str, str], sentence: str, manager: Visitor) -> None:
    token = brought(manager)
    answer = manager.send(f"/contacts/import/{token}/columns", **CHOSEN | changes)
    assert answer.status_code == 400
    page = answer.text
    assert sentence in page
    assert 'value="tags" selected' in page


def test_a_source_that_is_written_once_holds_for_rows_that_say_none(panel: Panel, manager: Visitor) -> None:
    token = brought(manager)
    assert "2 new" in looked_at(manager, token, **CHOSEN, source="Fair in May")
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    with panel.rt.database.read() as session:
        assert set(session.scalars(select(ConsentEvent.source))) == {"web", "Fair in May"}


def test_columns_are_guessed_by_their_names_and_by_what_is_in_them() -> None:
    header = ["Nombre", "Idioma", "Contacto", "shop", "Size", "phone_", "E-Mail", "refused_line"]
    rows = [["Ana", "es", "+34 600 111 222", "Sol", "4", "x", "a@example.com", "4"]]
    assert guess(UploadKind.CONTACTS, header, rows, ["Shop"]) == [
        "name",
        "language",
        "new",
        "attribute:Shop",
        "new",
        "phone",
        "email",
        "",
    ]
    assert guess(UploadKind.CONTACTS, ["Contacto"], [["+34 600 111 222"]], []) == ["phone"]
    assert guess(UploadKind.CONTACTS, ["phone", "mobile", "Email", "a=b"], [], []) == ["phone", "new", "email", ""]


def test_a_spreadsheet_is_mapped_like_a_file_with_commas(manager: Visitor) -> None:
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["Mobile", "Since"], ["+447700900001", "2026"]):
        sheet.append(row)
    book.save(out)
    token = brought(manager, out.getvalue(), "people.xlsx")
    assert "1 new" in looked_at(manager, token, c0="phone", c1="new")


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
    assert [line.split(",")[0] for line in lines] == ["refused_line", "4", "5"]
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


def test_a_list_that_is_deleted_while_it_is_filled_is_said_and_not_made_again(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 1)
    with panel.rt.database.write() as session:
        alice(session)
        bob(session)
    token = brought(manager, f"phone\n{ALICE_PHONE}\n{BOB_PHONE}\n", what="list", list="Guests")
    looked_at(manager, token, c0="phone", list_name="Guests")
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    manager.post("/lists/1/delete", confirmed="1")
    run_import(token)
    assert "there is no such list" in manager.get(f"/contacts/import/{token}/")
    with panel.rt.database.read() as session:
        assert session.scalar(select(ContactList.id)) is None


def test_a_long_import_takes_turns_and_every_row_counts_once(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(import_turns, "TELL_SECONDS", 0.0)
    rows = [f"+4477009{place:05},P{place}" for place in range(45)]
    text = "\n".join(["phone,name", "nonsense,x", *rows, rows[3], rows[40], ""])
    token = brought(manager, text)
    manager.post(f"/contacts/import/{token}/columns", c0="phone", c1="name")
    for go in ("columns", "go"):
        assert finish(panel, token) > 4
        kept = known(panel, token)
        assert (kept.created, kept.updated, kept.unchanged) == (45, 0, 2)
        assert [row["line"] for row in kept.refused] == [2]
        if go == "columns":
            manager.post(f"/contacts/import/{token}/go")
    assert known(panel, token).stage is UploadStage.DONE


def test_the_page_shows_how_far_it_is_and_then_what_came_of_it(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 1)
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    token = brought(manager)
    manager.post(f"/contacts/import/{token}/columns", **CHOSEN | {"source": "web"})
    live = f"/contacts/import/{token}/live"
    assert "Reading the file" in json.loads(manager.get(live))["parts"]["import"]
    run_import(token)
    answer = json.loads(manager.get(live))
    assert not answer["done"]
    assert "1 of 2 rows" in answer["parts"]["import"]
    run_import(token)
    answer = json.loads(manager.get(live))
    assert answer["done"]
    assert "Import 2 contacts" in answer["parts"]["import"]


def test_an_import_whose_worker_died_is_woken_and_comes_to_its_end(panel: Panel, manager: Visitor) -> None:
    token = brought(manager)
    looked_at(manager, token, **CHOSEN)
    manager.post(f"/contacts/import/{token}/go")
    chores = queue(panel.rt.redis, CHORES)
    chores.delete()
    panel.rt.redis.delete(f"hark:wake:import:{token}")
    with locked(panel.rt, token) as is_mine:
        assert is_mine
        assert wake_imports(panel.rt, utcnow()) == 0  # somebody works on it
        run_import(token)
        assert count(panel) == 0
    assert wake_imports(panel.rt, utcnow()) == 1
    (job,) = chores.jobs
    assert (job.func_name, tuple(job.args)) == ("jobs.imports.run.run_import", (token,))
    run_import(*job.args)
    assert count(panel) == 1
    assert wake_imports(panel.rt, utcnow()) == 0


def test_a_worker_that_is_to_stop_leaves_the_rest_to_the_next(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 1)
    token = brought(manager)
    manager.post(f"/contacts/import/{token}/columns", **CHOSEN | {"source": "web"})
    monkeypatch.setattr(SHUTDOWN, "is_set", lambda: True)
    run_import(token)
    kept = known(panel, token)
    assert (kept.stage, kept.done, kept.total) == (UploadStage.LOOKING, 1, 2)


def test_an_import_that_breaks_off_again_and_again_is_given_up_with_a_word(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("+34600000001")

    monkeypatch.setattr(import_turns, "import_contacts", broken)
    token = brought(manager)
    manager.post(f"/contacts/import/{token}/columns", **CHOSEN)
    for _ in range(import_turns.MAX_TRIES):
        with pytest.raises(RuntimeError):
            run_import(token)
    run_import(token)
    assert "It broke off 5 times" in manager.get(f"/contacts/import/{token}/")


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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", b""),
        ("people.csv", b"phone,,name\n"),
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
