"""Exports of contacts, lists, segments, cases and orders: who is in them, and that importing contacts changes nobody."""

import csv
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import select

from admin.operations.exports import lists as list_exports
from admin.operations.exports.lists import contacts_table
from admin.operations.exports.table import write_table
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from models.segments.store import save_segment
from models.tables.contact import Consent
from models.tables.tag import Attribute, AttributeType
from tests.support.cli_app import Shell
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_attribute, make_contact, make_list, make_order
from tests.support.factories.conversations import carol
from tests.support.import_rig import counts

pytestmark = pytest.mark.sqlite_only


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_importing_an_export_of_contacts_changes_nobody(
    bare_rt: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_exports, "PAGE", 2)  # so that there are several pages
    with bare_rt.database.write() as session:
        make_attribute(session, "spent", type=AttributeType.NUMBER)
        ana = alice(
            session, tags={"vip": None, "city": "Madrid, Spain"}, attributes={"spent": 7.5}, email="a@example.com"
        )
        ana.name = "=1+1"
        make_list(session, "Regulars", ana, bob(session))
        for place in range(4):
            make_contact(session, name=f"Person {place}", consent=Consent.UNKNOWN)
    path = tmp_path / "contacts.csv"
    assert write_table(bare_rt, contacts_table(bare_rt, {}), path, "cli", for_excel=True) == 6
    first = next(row for row in rows_of(path) if row["phone"] == "+34600000001")
    assert (first["name"], first["lists"], first["spent"]) == ("'=1+1", "Regulars", "7.5")
    assert (first["tags"], first["consent"]) == ('"city=Madrid, Spain";vip', "subscribed")
    result = import_contacts(bare_rt, path)
    assert (counts(result)[0], counts(result)[1], result.refused) == (0, 0, [])
    with bare_rt.database.read() as session:
        assert session.scalars(select(Attribute.name)).all() == ["spent"]


def test_the_command_writes_each_list_and_says_what_is_wrong(shell: Shell, tmp_path: Path) -> None:
    with shell.rt.database.write() as session:
        ana = alice(session)
        make_list(session, "Regulars", ana)
        make_order(session, ana, total=19.9, number="#1001")
        carol(session)
        save_segment(session, "Subscribed", {"all": [{"on": "consent", "op": "is", "value": "subscribed"}]}, NOW)
        bob(session)
    file = str(tmp_path / "list.csv")
    assert shell.ok("export", "list", "Regulars", "--output", file, "--columns", "phone") == f"1 rows in {file}\n"
    assert rows_of(tmp_path / "list.csv") == [{"phone": "+34600000001"}]
    assert shell.data("export", "segment", "Subscribed", "--output", file, "--json")["rows"] == 2
    shell.ok("export", "cases", "--output", file)
    assert [(row["name"], row["status"]) for row in rows_of(tmp_path / "list.csv")] == [("Carol", "attending")]
    book = tmp_path / "orders.xlsx"
    shell.ok("export", "orders", "--output", str(book))
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    head, order = ([cell.value for cell in row] for row in sheet.iter_rows())
    found = dict(zip(head, order, strict=True))
    assert (found["number"], found["total"], found["currency"]) == ("#1001", 19.9, "EUR")
    assert "there is no such list" in shell.refused("export", "list", "Nobody", "--output", file)
    assert "column 'x': allowed are" in shell.refused("export", "cases", "--output", file, "--columns", "x")
    assert "which one?" in shell.refused("export", "segment", "--output", file, code=2)
