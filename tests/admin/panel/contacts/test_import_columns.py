"""What the columns of a file that was brought are."""

import io

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from admin.panel.contacts.import_columns import guess_columns
from jobs.imports.header import Header
from jobs.imports.run import run_import
from jobs.imports.uploads import (
    UploadKind,
)
from models.tables.contact import ConsentEvent
from tests.support.import_pages import CHOSEN, brought, looked_at
from tests.support.import_rig import tags_of
from tests.support.panel_app import Panel, Visitor

pytestmark = pytest.mark.sqlite_unless_proved


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
    assert guess_columns(UploadKind.CONTACTS, Header(header), rows, ["Shop"]) == [
        "name",
        "language",
        "new",
        "attribute:Shop",
        "new",
        "phone",
        "email",
        "",
    ]
    assert guess_columns(UploadKind.CONTACTS, Header(["Contacto"]), [["+34 600 111 222"]], []) == ["phone"]
    assert guess_columns(UploadKind.CONTACTS, Header(["phone", "mobile", "Email", "a=b"]), [], []) == [
        "phone",
        "new",
        "email",
        "",
    ]


@pytest.mark.process
def test_a_spreadsheet_is_mapped_like_a_file_with_commas(manager: Visitor) -> None:
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["Mobile", "Since"], ["+447700900001", "2026"]):
        sheet.append(row)
    book.save(out)
    token = brought(manager, out.getvalue(), "people.xlsx")
    assert "1 new" in looked_at(manager, token, c0="phone", c1="new")


def test_what_separates_the_tags_is_asked_where_it_is_not_certain(panel: Panel, manager: Visitor) -> None:
    address = "/contacts/import/{}/columns"
    assert "What separates the tags" not in manager.get(
        address.format(brought(manager, "phone,tags\n+34600000001,a;b\n"))
    )
    token = brought(manager, 'phone,tags\n+34600000001,"vip, wholesale"\n')
    page = manager.get(address.format(token))
    assert '<option value="" selected>As recognised: vip · wholesale</option>' in page
    assert '<option value=";">Semicolons: vip, wholesale</option>' in page
    assert "Choose what separates the tags." in manager.refused(
        address.format(token), c0="phone", c1="tags", tag_separator="x"
    )
    looked_at(manager, token, c0="phone", c1="tags", tag_separator=";")
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    assert tags_of(panel.rt, "+34600000001") == {"vip, wholesale": None}
