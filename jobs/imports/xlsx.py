"""Reading a spreadsheet, row by row in bounded memory. Apart from the reader, which loads it for the first XLSX file."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from jobs.imports.errors import BadFileError
from jobs.imports.header import MAX_COLUMNS, PHONE_NAMES, Header, fold_name, read_header
from jobs.imports.reader import MIB, Sheet, SheetChoices, SourceLine

MAX_UNZIPPED_BYTES = 300 * MIB
MAX_TEXTS_BYTES = 60 * MIB
"""The sheet's shared texts are held in memory, several times this size."""
MAX_PARTS = 1000
_PHONE_NAMES = frozenset(PHONE_NAMES.split())
MAX_SHEETS = 50
"""Sheets in which the header is looked for."""
MAX_SHEET_ROWS = 1_048_576
"""A spreadsheet has no more; a file may claim a row of any number, and those between would be read as empty."""


def read_xlsx(path: Path, choices: SheetChoices) -> Sheet:
    """Read the first visible sheet that has a column of `choices.known_names`, or else the first visible one.

    Raises BadFileError if it is no workbook, too big, or has no sheet of the chosen name.
    """
    _check_archive(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        sheet, header = _chosen_sheet(path, book.worksheets, choices)
    except (InvalidFileException, KeyError, IndexError, ValueError, ParseError, zipfile.BadZipFile) as error:
        if isinstance(error, BadFileError):
            raise
        raise BadFileError("{file} is no readable XLSX file", file=path.name) from error
    if not header.names:
        raise BadFileError("{file} is empty; its first row must name the columns, phone among them", file=path.name)
    return Sheet(header, _sheet_lines(path, sheet, len(header.names)))


def _chosen_sheet(path: Path, sheets: Sequence[Any], choices: SheetChoices) -> tuple[Any, Header]:
    if choices.sheet is not None:
        named = [sheet for sheet in sheets if sheet.title.strip().casefold() == choices.sheet.strip().casefold()]
        if not named:
            titles = ", ".join(repr(sheet.title) for sheet in sheets)
            raise BadFileError(
                "{file} has no sheet {name!r}; there are {titles}", file=path.name, name=choices.sheet, titles=titles
            )
        return named[0], _header_of(path, named[0])
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or list(sheets)
    with_header = [(sheet, _header_of(path, sheet)) for sheet in visible[:MAX_SHEETS]]
    known = [pair for pair in with_header if choices.known_names & {name.lower() for name in pair[1].names}]
    phones = [pair for pair in with_header if _PHONE_NAMES & {fold_name(name) for name in pair[1].names}]
    filled = [pair for pair in with_header if pair[1].names]
    return (known or phones or filled or with_header)[0]


def _header_of(path: Path, sheet: Any) -> Header:
    sheet.reset_dimensions()
    first = next(sheet.iter_rows(max_row=1, max_col=MAX_COLUMNS + 1), ())
    return read_header(path, (_cell_text(cell)[0] for cell in first))


def _sheet_lines(path: Path, sheet: Any, width: int) -> Iterator[SourceLine]:
    try:
        for number, row in enumerate(sheet.iter_rows(min_row=2, max_col=width + 1), 2):
            if number > MAX_SHEET_ROWS:
                raise BadFileError(
                    "{file} has a row beyond {max_sheet_rows:,}, the last that a sheet can have",
                    file=path.name,
                    max_sheet_rows=MAX_SHEET_ROWS,
                )
            texts = [_cell_text(cell) for cell in row]
            cells = [text for text, _ in texts]
            problem = next((problem for _, problem in texts if problem), None)
            if problem or any(cells):
                yield SourceLine(number, cells, problem)
    except (KeyError, ValueError, ParseError, zipfile.BadZipFile) as error:
        if isinstance(error, BadFileError):
            raise
        raise BadFileError("{file}: the sheet cannot be read to its end", file=path.name) from error


def _cell_text(cell: Any) -> tuple[str, str | None]:
    """The cell as a CSV would have it, and what is wrong with it; a formula is what the spreadsheet last computed."""
    if cell.value is None:
        return "", None
    if cell.data_type == "e":
        return "", f"column {cell.column} holds the spreadsheet's error {str(cell.value)[:20]}"
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
