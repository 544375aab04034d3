"""Writes a table as CSV: cells that a spreadsheet would run are protected, lines end with CR and LF."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import Any

from models.spreadsheets import BYTE_ORDER_MARK, protect

ROWS_PER_CHUNK = 1_000


def csv_chunks(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, for_excel: bool = False) -> Iterator[bytes]:
    """Yield the heading and the rows. `for_excel`: the file begins with the mark by which Excel knows UTF-8."""
    yield ((BYTE_ORDER_MARK if for_excel else "") + _lines([columns])).encode()
    waiting = iter(rows)
    while part := list(islice(waiting, ROWS_PER_CHUNK)):
        yield _lines([[csv_cell(cell) for cell in row] for row in part]).encode()


def csv_cell(value: Any) -> str:
    """A cell's text, which no spreadsheet runs as a formula."""
    return protect("" if value is None else str(value))


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
