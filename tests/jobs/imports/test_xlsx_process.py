"""Workbooks that were made to do harm."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.imports import xlsx, xlsx_process
from jobs.imports.errors import BadFileError
from jobs.imports.preview import preview
from tests.support.import_rig import workbook

pytestmark = pytest.mark.process
MIB = 1 << 20


def changed(made: Path, path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A workbook whose parts were changed."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return workbook(tmp_path / "made.xlsx", ["phone", "name"], ["+34600000071", "Eva"], ["+34600000072", "Ana"])


def test_a_workbook_is_read_to_its_end_and_left_in_the_middle(made: Path) -> None:
    found = preview(made)
    assert (found.header.names, found.header_row, found.sheet, found.sheets) == (
        ["phone", "name"],
        1,
        "Sheet",
        ("Sheet",),
    )
    assert found.rows == [["+34600000071", "Eva"], ["+34600000072", "Ana"]]
    assert preview(made, rows=1).rows == [["+34600000071", "Eva"]]


def laughs(part: str, text: bytes) -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%s">' % (place, b"&a%d;" % (place - 1) * 10) for place in range(1, 12))
    if not part.startswith("xl/worksheets/"):
        return text
    return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">' + entities + b"]>" + text.replace(b"Eva", b"&a11;")


def test_entities_are_refused(made: Path, tmp_path: Path) -> None:
    path = changed(made, tmp_path / "laughs.xlsx", laughs)
    with pytest.raises(BadFileError, match=r"laughs\.xlsx declares entities of its own"):
        preview(path)


def test_a_part_that_unpacks_to_many_times_its_size_is_refused(made: Path, tmp_path: Path) -> None:
    path = changed(
        made,
        tmp_path / "ratio.xlsx",
        lambda part, text: text + b" " * (40 * MIB) if part.startswith("xl/worksheets/") else text,
    )
    with pytest.raises(BadFileError, match="unpacks to 200 times its size"):
        preview(path)


@pytest.mark.parametrize("harm", [b"<row", b"\xff\xfe\x00", b"<c r='ZZZZZZ1'/>", b""])
def test_a_workbook_whose_sheet_is_nonsense_is_one_line(made: Path, tmp_path: Path, harm: bytes) -> None:
    path = changed(
        made, tmp_path / "nonsense.xlsx", lambda part, text: harm if part.startswith("xl/worksheets/") else text
    )
    with pytest.raises(BadFileError) as caught:
        preview(path)
    assert "nonsense.xlsx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_needs_too_much_memory_is_given_up(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_process, "MEMORY_BYTES", 40 * MIB)
    with pytest.raises(BadFileError, match=r"made\.xlsx (needs more memory|is no readable)"):
        preview(made)


def test_what_is_silent_for_too_long_is_given_up(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_process, "SILENT_SECONDS", 0.001)
    began = time.monotonic()
    with pytest.raises(BadFileError, match="needs more memory or time"):
        preview(made)
    assert time.monotonic() - began < 30


def test_only_so_many_are_read_at_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_process, "WAIT_SECONDS", 0.01)
    for _ in range(xlsx_process.AT_ONCE):
        xlsx_process._places.acquire()
    try:
        with pytest.raises(BadFileError, match="too many workbooks"):
            preview(made)
    finally:
        for _ in range(xlsx_process.AT_ONCE):
            xlsx_process._places.release()
    assert preview(made).header.names == ["phone", "name"]


def test_the_limits_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_PARTS", 7)
    assert xlsx.limits()["MAX_PARTS"] == 7
