"""Workbooks that are written as a stream, and read by a library that knows nothing of it."""

import tracemalloc
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from models.table_files.xlsx import xlsx_chunks

ODD = (
    "=1+1", "+cmd|' /C calc'!A0", "-5", "@x", "'t Hooft", "\t=1", '<b>&"', "Ana\nRuiz", "王小明", "a\x00b\x1fc", " x ", "0012", "",
)  # fmt: skip


def read(chunks: Iterable[bytes]) -> list[list[Sequence[Any]]]:
    """The rows of each sheet."""
    workbook = openpyxl.load_workbook(BytesIO(b"".join(chunks)))
    return [[tuple(cell.value for cell in row) for row in sheet.iter_rows()] for sheet in workbook.worksheets]


def test_cells_come_back_as_they_were_and_none_is_a_formula() -> None:
    sheets = read(xlsx_chunks(["text", "number"], [(text, 7) for text in ODD]))
    assert [row[0] for row in sheets[0][1:]] == [
        "'=1+1", "'+cmd|' /C calc'!A0", "'-5", "'@x", "'t Hooft", "'\t=1", '<b>&"', "Ana\nRuiz", "王小明", "a\ufffdb\ufffdc", " x ",
        "0012", None,
    ]  # fmt: skip
    assert {row[1] for row in sheets[0][1:]} == {7}


def test_numbers_are_numbers_and_long_ones_stay_exact() -> None:
    (rows,) = read(xlsx_chunks(["a", "b", "c", "d"], [(131049, -1.5, True, 10**17 + 1)]))
    assert rows[1] == (131049, -1.5, True, str(10**17 + 1))


@pytest.mark.parametrize(("count", "sheets"), [(0, [0]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (1203, [4] * 300 + [3])])
def test_what_is_too_long_for_a_sheet_goes_on_in_the_next(count: int, sheets: list[int]) -> None:
    found = read(xlsx_chunks(["n"], ((n,) for n in range(count)), sheet_rows=5))
    assert [len(rows) - 1 for rows in found] == sheets
    assert {rows[0] for rows in found} == {("n",)}
    assert [row[0] for rows in found for row in rows[1:]] == list(range(count))


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        size = sum(len(chunk) for chunk in xlsx_chunks(["a", "b"], ((n, f"text {n}") for n in range(count))))
        assert size > count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(20_000) < peak(2_000) * 1.5
