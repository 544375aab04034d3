"""Writes a workbook as a stream of bytes: rows come in, chunks of a ZIP file go out, nothing of a row is kept.

Every text is a string of its own cell (`inlineStr`), which no spreadsheet runs as a formula. A table that is longer than a
sheet may be goes on in a next one, under the same heading.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape

from models.spreadsheets import protect

MAX_SHEET_ROWS = 1_048_576
"""As Excel has it, with the heading."""
MAX_SHEET_BYTES = 1_500_000_000
"""Of a sheet before it is compressed: well below what a ZIP file without the 64-bit extension takes, which Excel does not read."""
MAX_CELL_CHARACTERS = 32_767
MAX_EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; what is longer is written as text."""
ROWS_PER_WRITE = 500
_DATE = (1980, 1, 1, 0, 0, 0)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET_BEGIN = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
    ' activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_SHEET_END = "</sheetData></worksheet>"


class _Pipe:
    """A file that can only be written to; what was written is taken from it."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Do nothing: there is no file behind it."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


def xlsx_chunks(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "Export", sheet_rows: int = MAX_SHEET_ROWS
) -> Iterator[bytes]:
    """Yield a workbook with a heading and these rows. Cells are texts, numbers, booleans or None; anything else becomes text.

    `sheet_rows`: how many rows a sheet has at most, with its heading.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        sheets, waiting = 0, iter(rows)
        part = list(islice(waiting, min(ROWS_PER_WRITE, sheet_rows - 1)))
        while part or not sheets:
            sheets += 1
            with archive.open(_member(f"xl/worksheets/sheet{sheets}.xml"), "w") as sheet:
                begin = (_SHEET_BEGIN + _row(columns)).encode()
                sheet.write(begin)
                used, written = 1, len(begin)
                while part and used + len(part) <= sheet_rows and written < MAX_SHEET_BYTES:
                    data = "".join(map(_row, part)).encode()
                    sheet.write(data)
                    used, written = used + len(part), written + len(data)
                    room = sheet_rows - used or sheet_rows - 1
                    part = list(islice(waiting, min(ROWS_PER_WRITE, room)))
                    if chunk := pipe.take():
                        yield chunk
                sheet.write(_SHEET_END.encode())
        for name, text in _parts(title, sheets):
            archive.writestr(_member(name), text)
    yield pipe.take()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _row(cells: Sequence[Any]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, int | float | Decimal) and -MAX_EXACT < value < MAX_EXACT:
        return f"<c><v>{value}</v></c>"
    text = _ILLEGAL.sub("\ufffd", protect(str(value))[:MAX_CELL_CHARACTERS])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _parts(title: str, sheets: int) -> Iterator[tuple[str, str]]:
    """The small files of a workbook, by name."""
    numbers = range(1, sheets + 1)
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>'
        + "".join(f'<sheet name="{escape(_name(title, n))}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        + "</sheets></workbook>",
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        _relationships([("worksheet", f"worksheets/sheet{n}.xml") for n in numbers]),
    )
    yield (
        "_rels/.rels",
        _relationships([("officeDocument", "xl/workbook.xml")]),
    )
    yield (
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
        )
        + "</Types>",
    )


def _relationships(targets: Sequence[tuple[str, str]]) -> str:
    """What a part of the workbook refers to: (kind, path), as rId1, rId2, …"""
    lines = (
        f'<Relationship Id="rId{n}" Type="{_RELATED}/{kind}" Target="{path}"/>'
        for n, (kind, path) in enumerate(targets, 1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def _name(title: str, number: int) -> str:
    """The name of a sheet: at most 31 characters, without those that Excel forbids."""
    plain = re.sub(r"[\[\]:*?/\\'\"]", " ", title)[:25].strip() or "Export"
    return plain if number == 1 else f"{plain} {number}"
