"""Reading a spreadsheet, row by row in bounded memory. It runs in a process of its own (`jobs.imports.xlsx_process`)."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from jobs.imports.errors import BadFileError
from jobs.imports.header import MAX_COLUMNS
from jobs.imports.header_row import MAX_HEADER_ROWS, is_header
from jobs.imports.reader import MIB, Sheet, SheetChoices, SourceLine, table_below

MAX_UNZIPPED_BYTES = 300 * MIB
MAX_TEXTS_BYTES = 60 * MIB
"""The sheet's shared texts are held in memory, several times this size."""
MAX_PARTS = 1000
MAX_SHEETS = 50
"""Sheets in which the header is looked for."""
MAX_SHEET_ROWS = 1_048_576
"""A spreadsheet has no more; a file may claim a row of any number, and those between would be read as empty."""


MAX_RATIO, RATIO_COUNTS_FROM = 200, 20 * MIB
"""How many times larger than in the archive a part may be, and the size from which on that is asked. Real sheets have 10 to 50."""
_START_BYTES = 4096
_LIMITS = (
    "MAX_UNZIPPED_BYTES",
    "MAX_TEXTS_BYTES",
    "MAX_PARTS",
    "MAX_SHEETS",
    "MAX_SHEET_ROWS",
    "MAX_RATIO",
    "RATIO_COUNTS_FROM",
)


def limits() -> dict[str, int]:
    """Return the limits by their names."""
    return {name: globals()[name] for name in _LIMITS}


def set_limits(values: Mapping[str, int]) -> None:
    """Set limits for this process."""
    globals().update({name: values[name] for name in _LIMITS})


def read_xlsx(path: Path, choices: SheetChoices) -> Sheet:
    """Read the first visible sheet with a column of phones or of `choices.known_names`, or else the first that is not empty.

    Raises BadFileError if it is no workbook, too big, or has no sheet of the chosen name.
    """
    _check_archive(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        sheets = list(book.worksheets)
        tables = [table for sheet in _candidates(path, sheets, choices) if (table := _table(path, sheet, choices))]
    except (InvalidFileException, KeyError, IndexError, ValueError, ParseError, zipfile.BadZipFile) as error:
        if isinstance(error, BadFileError):
            raise
        raise BadFileError("{file} is no readable XLSX file", file=path.name) from error
    if not tables:
        raise BadFileError("{file} is empty; its first row must name the columns, phone among them", file=path.name)
    table = next((table for table in tables if is_header(table.header.names, choices.known_names)), tables[0])
    return replace(table, titles=tuple(sheet.title for sheet in sheets))


def _candidates(path: Path, sheets: Sequence[Any], choices: SheetChoices) -> Sequence[Any]:
    if choices.sheet is None:
        return [sheet for sheet in sheets if sheet.sheet_state == "visible"][:MAX_SHEETS] or sheets[:MAX_SHEETS]
    named = [sheet for sheet in sheets if sheet.title.strip().casefold() == choices.sheet.strip().casefold()]
    if not named:
        titles = ", ".join(repr(sheet.title) for sheet in sheets)
        raise BadFileError(
            "{file} has no sheet {name!r}; there are {titles}", file=path.name, name=choices.sheet, titles=titles
        )
    return named[:1]


def _table(path: Path, sheet: Any, choices: SheetChoices) -> Sheet | None:
    sheet.reset_dimensions()
    begin = choices.header_row or 1
    beginning = islice(_sheet_lines(path, sheet, begin, MAX_COLUMNS + 1), MAX_HEADER_ROWS)
    found = table_below(path, beginning, choices)
    if found is None or not found[0].names:
        return None
    header, header_row, _ = found
    # What stands right of the last column is no part of the table.
    return Sheet(header, _sheet_lines(path, sheet, header_row + 1, len(header.names)), header_row, title=sheet.title)


def _sheet_lines(path: Path, sheet: Any, begin: int, width: int) -> Iterator[SourceLine]:
    """The rows from `begin` on that are not empty."""
    try:
        for number, row in enumerate(sheet.iter_rows(min_row=begin, max_col=width), begin):
            if number > MAX_SHEET_ROWS:
                raise BadFileError(
                    "{file} has a row beyond {max_sheet_rows:,}, the last that a sheet can have",
                    file=path.name,
                    max_sheet_rows=MAX_SHEET_ROWS,
                )
            texts = [_cell_text(cell) for cell in row]
            cells = [text for text, _ in texts]
            bad_cells = {place: problem for place, (_, problem) in enumerate(texts) if problem}
            if bad_cells or any(cells):
                yield SourceLine(number, cells, bad_cells=bad_cells)
    except (KeyError, ValueError, ParseError, zipfile.BadZipFile) as error:
        if isinstance(error, BadFileError):
            raise
        raise BadFileError("{file}: the sheet cannot be read to its end", file=path.name) from error


def _cell_text(cell: Any) -> tuple[str, str | None]:
    """The cell as a CSV would have it, and what is wrong with it; a formula is what the spreadsheet last computed."""
    if cell.value is None:
        return "", None
    if cell.data_type == "e":
        return "", f"holds the spreadsheet's error {str(cell.value)[:20]}"
    text = _plain_text(cell.value)
    return ("", "holds a NUL byte") if "\x00" in text else (text, None)


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return (value.date() if value.time() == datetime.min.time() else value).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _check_archive(path: Path) -> None:
    """An archive may claim any size: what it says of itself is checked, and is what reading is then held to."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) <= MAX_PARTS and any(_declares_entities(archive, part) for part in parts):
                raise BadFileError("{file} declares entities of its own, as no spreadsheet does", file=path.name)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise BadFileError("{file} is no readable XLSX file", file=path.name) from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNZIPPED_BYTES:
        raise BadFileError(
            "{file} unpacks to more than {max_unzipped_bytes} MB; save it as CSV",
            file=path.name,
            max_unzipped_bytes=MAX_UNZIPPED_BYTES // MIB,
        )
    if any(part.file_size > MAX_TEXTS_BYTES for part in parts if not part.filename.startswith("xl/worksheets/")):
        raise BadFileError(
            "{file} holds more than {max_texts_bytes} MB of text; save it as CSV",
            file=path.name,
            max_texts_bytes=MAX_TEXTS_BYTES // MIB,
        )
    if any(part.file_size > max(RATIO_COUNTS_FROM, part.compress_size * MAX_RATIO) for part in parts):
        raise BadFileError("{file} unpacks to {times} times its size; save it as CSV", file=path.name, times=MAX_RATIO)


def _declares_entities(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether a part begins with a document type: entities that name one another unpack without end."""
    if not part.filename.endswith((".xml", ".rels")):
        return False
    with archive.open(part) as content:
        return b"<!DOCTYPE" in content.read(_START_BYTES).replace(b"\0", b"").upper()
