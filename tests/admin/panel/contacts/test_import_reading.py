"""How a file is read: said on the page of its columns, chosen there, and asked about where it is not certain."""

import io
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from jobs.imports.run import run_import
from models.tables.contact import Contact
from models.tables.user import Role
from tests.support.import_pages import brought, count, looked_at
from tests.support.panel_app import Panel, Visitor, said

pytestmark = pytest.mark.sqlite_unless_proved


def names(panel: Panel) -> list[str]:
    with panel.rt.database.read() as session:
        return list(session.scalars(select(Contact.name).order_by(Contact.id)))


def imported(manager: Visitor, token: str, **chosen: Any) -> None:
    looked_at(manager, token, **chosen)
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)


def test_the_encoding_and_the_line_of_the_names_are_said_and_can_be_chosen(panel: Panel, manager: Visitor) -> None:
    text = "Customers of Madrid\n\nphone;name\n+34600000001;José Muñoz\n"
    token = brought(manager, text.encode("cp1252"))
    address = f"/contacts/import/{token}/columns"
    page = manager.get(address)
    assert "The encoding is Western European (Windows-1252). Line 3 names the columns." in said(page)
    assert '<option value="cp1252" selected>' in page
    assert '<option value="3" selected>Line 3: phone · name</option>' in page
    assert "José Muñoz" in page
    page = manager.post(address, reread="1", encoding="mac_roman", header_row="0")
    assert "The encoding is Western European (Mac). No line names the columns." in said(page)
    assert "column 2" in page
    assert "JosÈ MuÒoz" in page
    manager.post(address, reread="1", encoding="cp1252", header_row="3")
    imported(manager, token, c0="phone", c1="name")
    assert names(panel) == ["José Muñoz"]


def test_an_encoding_that_is_not_certain_is_asked_with_names_of_the_file_before_anything_else(
    panel: Panel, manager: Visitor
) -> None:
    token = brought(manager, "phone,name\n+61400000001,Győző\n".encode("cp1250"))
    address = f"/contacts/import/{token}/columns"
    page = manager.get(address)
    assert "is not certain" in page
    assert '<option value="cp1250">Central European (Windows-1250): Győző</option>' in page
    assert '<option value="cp1252">Western European (Windows-1252): Gyõzõ</option>' in page
    assert 'name="c0"' not in page
    assert "is not certain" in manager.refused(address, c0="phone", c1="name")
    assert "is no encoding that can be chosen" in manager.refused(address, reread="1", encoding="klingon")
    assert "is not utf-8 text; choose another" in manager.refused(address, reread="1", encoding="utf-8")
    assert "Győző" in manager.post(address, reread="1", encoding="cp1250")
    imported(manager, token, c0="phone", c1="name")
    assert names(panel) == ["Győző"]


@pytest.mark.process
def test_the_sheet_is_said_and_another_one_is_read_with_its_own_columns(panel: Panel, manager: Visitor) -> None:
    book, out = Workbook(), io.BytesIO()
    for title, rows in (
        ("Old", [["Mobile", "Who"], ["+447700900001", "Ana"]]),
        ("New", [["x"], ["Phone"], ["+447700900002"]]),
    ):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    book.save(out)
    token = brought(manager, out.getvalue(), "people.xlsx")
    address = f"/contacts/import/{token}/columns"
    page = manager.get(address)
    assert "The sheet is “Old”. Row 1 names the columns." in said(page)
    assert 'name="encoding"' not in page
    page = manager.post(address, reread="1", sheet="New", header_row="1")
    assert "The sheet is “New”. Row 2 names the columns." in said(page)
    assert "1 new" in looked_at(manager, token, c0="phone")
    assert "has no sheet" in manager.refused(address, reread="1", sheet="Gone")
    assert count(panel) == 0


def test_refused_rows_are_read_and_written_as_the_file_was(manager: Visitor) -> None:
    token = brought(manager, "phone,name\nnonsense,Győző\n".encode("cp1250"))
    manager.post(f"/contacts/import/{token}/columns", reread="1", encoding="cp1250")
    assert "1 refused" in looked_at(manager, token, c0="phone", c1="name")
    assert "nonsense,Győző" in manager.get(f"/contacts/import/{token}/refused.csv")


def test_refused_rows_are_taken_out_by_managers_alone_and_the_audit_says_so(panel: Panel, manager: Visitor) -> None:
    token = brought(manager, "phone,name\nnonsense,Ana\n")
    looked_at(manager, token, c0="phone", c1="name")
    panel.of(Role.AGENT).get(f"/contacts/import/{token}/refused.csv", 403)
    assert ("manager@example.com", "export") not in panel.audited()
    assert manager.get(f"/contacts/import/{token}/refused.csv").startswith("\ufeffrefused_line,refused_why,phone,name")
    assert ("manager@example.com", "export") in panel.audited()
