"""The row that names the columns: below titles, chosen, or none at all."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.imports.errors import BadFileError
from jobs.imports.header_row import find_header
from jobs.imports.reader import SheetChoices
from tests.support.import_rig import people, workbook

KNOWN = frozenset({"phone"})


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["phone", "name"], ["+34600000001", "Ana"]], 0),
        ([["Our customers, 2026"], ["as of", "2026-11-20"], ["Name", "Teléfono"], ["Ana", "600000001"]], 2),
        ([["Our customers"], ["Kunde", "Durchwahl"], ["Ana", "+34 600 000 001"]], 1),
        ([["Name", "Nr."], ["Bo", ""], ["Ana", "+34 600 000 001"]], 0),
        ([["Ana", "+34600000001"], ["type", "mobile"]], None),
        ([["name", "type"], ["Ana", "x"], ["Bo", "mobile"]], 2),
        ([["name", "tags"], ["Ana", "vip"]], 0),
        ([["電話番号", "氏名"], ["+819012345678", "山田"]], 0),
    ],
)
def test_the_header_stands_above_the_first_phone(rows: list[list[str]], place: int | None) -> None:
    assert find_header(rows, KNOWN) == place


def test_titles_above_the_header_are_no_people_and_its_line_is_said(bare_rt: Runtime, file: Path) -> None:
    file.write_text('Customers; Madrid\nExported on;2026-11-20\n\nphone;name\n+34600000001;"Ana\nRuiz"\nx;Bo\n')
    result = import_contacts(bare_rt, file)
    assert (result.created, result.header_row, result.to_json()["header_row"]) == (1, 4, 4)
    assert result.refused == [{"line": 7, "reason": "'x' is no phone number"}]


def test_a_file_without_a_header_is_taken_by_the_places_of_its_columns(bare_rt: Runtime, file: Path) -> None:
    file.write_text("+34600000001,Ana\n+34600000002,Bo\n")
    with pytest.raises(BadFileError, match="there is no column 'phone'"):
        import_contacts(bare_rt, file)
    result = import_contacts(bare_rt, file, columns={"column 1": "phone", "column 2": "name"})
    assert (result.created, result.header_row) == (2, 0)
    assert [person.name for person in people(bare_rt).values()] == ["Ana", "Bo"]


def test_the_line_of_the_header_can_be_chosen(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,old\nphone,name\n+34600000001,Ana\n")
    import_contacts(bare_rt, file, choices=SheetChoices(header_row=2))
    assert people(bare_rt)["+34600000001"].name == "Ana"
    with pytest.raises(BadFileError, match="has nothing on line 9"):
        import_contacts(bare_rt, file, choices=SheetChoices(header_row=9))
    columns = {"column 1": "phone", "column 2": "name"}
    result = import_contacts(bare_rt, file, columns=columns, choices=SheetChoices(header_row=0))
    assert [refusal["line"] for refusal in result.refused] == [1, 2]


@pytest.mark.process
def test_a_sheet_with_a_title_and_notes_beside_the_table_is_taken(bare_rt: Runtime, tmp_path: Path) -> None:
    book = Workbook()
    book.create_sheet("Cover", 0).append(["Customers of 2026"])
    sheet = book["Sheet"]
    for row in (
        ["Customers"],
        [],
        ["Phone", "Name", "Since"],
        [34600000001.0, "Ana", date(2026, 3, 1), None, "call her"],
    ):
        sheet.append(row)
    sheet["F4"] = "a note"
    path = tmp_path / "people.xlsx"
    book.save(path)
    result = import_contacts(bare_rt, path, country="ES")
    assert (result.created, result.refused, result.sheet, result.header_row) == (1, [], "Sheet", 3)
    assert people(bare_rt)["+34600000001"].attributes == {"Since": "2026-03-01"}


@pytest.mark.process
def test_an_error_in_a_cell_beside_the_phone_costs_the_cell(bare_rt: Runtime, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "people.xlsx",
        ["phone", "name", "total", "junk"],
        ["+34600000001", "Ana", "#N/A", "#REF!"],
        ["#VALUE!", "Bo", "1", ""],
    )
    result = import_contacts(bare_rt, path, columns={"junk": ""})
    assert [(warning["line"], warning["column"]) for warning in result.warnings] == [(2, "total")]
    assert result.refused == [{"line": 3, "reason": "the phone holds the spreadsheet's error #VALUE!"}]
    assert people(bare_rt)["+34600000001"].attributes == {}


def test_columns_without_a_name_at_the_end_are_told_and_cost_nobody(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,name,,,\n+34600000001,Ana,x,,\n+34600000002,Bo,,,\n+34600000003,Eva,,,,,y\n")
    result = import_contacts(bare_rt, file)
    assert [(warning["line"], warning["column"]) for warning in result.warnings] == [(1, "column 3")]
    assert [refusal["line"] for refusal in result.refused] == [4]
    assert set(people(bare_rt)) == {"+34600000001", "+34600000002"}
