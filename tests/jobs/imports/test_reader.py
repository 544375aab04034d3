"""Files as people have them: encodings, separators, spreadsheets, and what is no file at all."""

import codecs
import zipfile
from pathlib import Path

import pytest

from jobs.core.runtime import Runtime
from jobs.imports import staging as import_spool
from jobs.imports import xlsx
from jobs.imports.contacts import import_contacts
from jobs.imports.errors import BadFileError
from jobs.imports.preview import preview
from tests.support.factories.common import NOW
from tests.support.import_rig import HEADER, counts, people, tags_of, workbook


def test_a_byte_order_mark_is_no_part_of_the_first_column(bare_rt: Runtime, file: Path) -> None:
    file.write_bytes(codecs.BOM_UTF8 + HEADER.encode() + "+34600000012,Zoë,,,,\r\n".encode())
    assert counts(import_contacts(bare_rt, file)) == (1, 0, 0, 0)
    assert people(bare_rt)["+34600000012"].name == "Zoë"


def test_a_line_in_another_encoding_is_refused_alone(bare_rt: Runtime, file: Path) -> None:
    file.write_bytes(HEADER.encode() + b"+34600000031,Jos\xe9,,,,\n" + "+34600000032,Añá,,,,\n".encode())
    result = import_contacts(bare_rt, file)
    assert result.refused == [{"line": 2, "reason": "is not UTF-8 text"}]
    assert set(people(bare_rt)) == {"+34600000032"}


def test_a_cell_may_span_lines(bare_rt: Runtime, file: Path) -> None:
    file.write_text('phone,name,note\n+34600000033,"Eva","one\ntwo ""quoted"""\n+3,X,\n')
    result = import_contacts(bare_rt, file)
    assert people(bare_rt)["+34600000033"].attributes == {"note": 'one\ntwo "quoted"'}
    assert [refusal["line"] for refusal in result.refused] == [4]


@pytest.mark.process
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"name,tags\nAna,vip\n", "no column 'phone'"),
        (b"nom;name\n+34600000001;Ana\n", "no column 'phone'"),
        (b"phone\x00,name\n+34600000001,Ana\n", "is not text"),
        (b"phone," + b",".join(b"c%d" % n for n in range(10_000)) + b"\n", "10001 columns; at most 1000"),
        (b"phone,name\n+34600000001,Ana\n" + b"x" * 2_000_000, "line 3 is longer"),
        (b'"phone,name\n+34600000001,Ana\n', "never closed"),
        (b"PK\x03\x04 broken", "no readable XLSX"),
    ],
)
def test_a_file_that_is_none_imports_nothing_and_says_so_in_a_line(
    bare_rt: Runtime, file: Path, content: bytes, message: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(BadFileError, match=message) as caught:
        import_contacts(bare_rt, file)
    assert "\n" not in str(caught.value)
    assert people(bare_rt) == {}


@pytest.mark.parametrize(
    "content",
    [
        'phone;name;tags\r\n+34600000001;"Moll; Ana";"vip;city=Madrid"\r\nhello;x;\r\n'.encode("utf-8-sig"),
        "phone\tname\ttags\r\n+34600000001\tMoll; Ana\tvip;city=Madrid\r\nhello\tx\t\r\n".encode("utf-16"),
    ],
)
def test_a_file_as_excel_writes_it_in_europe_is_taken(bare_rt: Runtime, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    result = import_contacts(bare_rt, file)
    assert counts(result) == (1, 0, 0, 1)
    assert result.refused == [{"line": 3, "reason": "'hello' is no phone number"}]
    assert people(bare_rt)["+34600000001"].name == "Moll; Ana"
    assert tags_of(bare_rt, "+34600000001") == {"vip": None, "city": "Madrid"}


def test_columns_get_other_names_and_never_two_the_same(bare_rt: Runtime, file: Path) -> None:
    file.write_text("Tel,name,Notes\n+34600000001,Ana,x\n")
    assert counts(import_contacts(bare_rt, file, columns={"Tel": "phone", "Notes": ""})) == (1, 0, 0, 0)
    assert people(bare_rt)["+34600000001"].attributes == {}
    with pytest.raises(BadFileError, match="there is no column 'Mobile'"):
        import_contacts(bare_rt, file, columns={"Mobile": "phone"})
    with pytest.raises(BadFileError, match="the column 'name' is there twice"):
        import_contacts(bare_rt, file, columns={"Tel": "phone", "Notes": "Name"})


def test_a_missing_file_and_a_directory_are_a_line_too(bare_rt: Runtime, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(BadFileError):
            import_contacts(bare_rt, path)


def test_a_huge_file_is_refused_before_it_is_read(bare_rt: Runtime, file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(1 << 30)
    with pytest.raises(BadFileError, match="1024 MB; at most 500"):
        import_contacts(bare_rt, file)


def test_a_file_of_too_many_rows_imports_nothing(bare_rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_spool, "MAX_ROWS", 2)
    file.write_text("phone\n+34600000001\n+34600000002\n+34600000003\n")
    with pytest.raises(BadFileError, match="more than 2 rows"):
        import_contacts(bare_rt, file)
    assert people(bare_rt) == {}


@pytest.mark.process
def test_a_spreadsheet_says_the_same_as_a_file_with_commas(bare_rt: Runtime, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "people.xlsx",
        ["phone", "name", "tags", "visits", "since", "Notes"],
        ["+34600000071", "Eva", "vip;city=Madrid", 3, NOW.replace(tzinfo=None).date(), None],
        [34600000072.0, "Ana", None, 2.5, None, "x"],
        [None, None, None],
        ["hello", "Nobody"],
    )
    result = import_contacts(bare_rt, path, columns={"Notes": ""})
    assert [(refusal["line"]) for refusal in result.refused] == [5]
    kept = people(bare_rt)
    assert kept["+34600000071"].attributes == {"visits": "3", "since": "2026-11-22"}
    assert kept["34600000072"].attributes == {"visits": "2.5"}
    assert tags_of(bare_rt, "+34600000071") == {"vip": None, "city": "Madrid"}
    assert preview(path).header.names[:2] == ["phone", "name"]
    assert preview(path).rows[0][1] == "Eva"


@pytest.mark.process
def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused(bare_rt: Runtime, tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx", ["phone"], ["+34600000071"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as part:
        for _ in range(61):
            part.write(b" " * (1 << 20))
    with pytest.raises(BadFileError, match="MB of text"):
        import_contacts(bare_rt, path)


@pytest.mark.process
def test_a_spreadsheet_with_a_row_that_no_sheet_has_is_refused(
    bare_rt: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MAX_SHEET_ROWS", 1000)
    made, path = workbook(tmp_path / "made.xlsx", ["phone"], ["+34600000071"], ["+34600000072"]), tmp_path / "far.xlsx"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part)
            if part.startswith("xl/worksheets/"):
                text = text.replace(b'<row r="3"', b'<row r="30000000"')
            new.writestr(part, text)
    with pytest.raises(BadFileError, match="has a row beyond 1,000, the last that a sheet can have"):
        import_contacts(bare_rt, path)
    assert people(bare_rt) == {}


def test_columns_can_be_mapped(bare_rt: Runtime, file: Path) -> None:
    file.write_text("Teléfono,Nombre,Código\n+34600000081,Eva,7\n")
    import_contacts(bare_rt, file, columns={"Teléfono": "phone", "Nombre": "name", "Código": "code"})
    kept = people(bare_rt)["+34600000081"]
    assert (kept.name, kept.attributes) == ("Eva", {"code": "7"})


@pytest.mark.process
def test_a_spreadsheet_is_held_to_what_it_says_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_UNZIPPED_BYTES", 1000)
    path = workbook(tmp_path / "big.xlsx", ["phone"], ["+34600000071"])
    with pytest.raises(BadFileError, match="unpacks to more"):
        preview(path)
