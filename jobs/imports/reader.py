"""Reads a file, CSV or XLSX, line by line in bounded memory; what is wrong with a line stays with that line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, TextIO

from jobs.core.loader import load
from jobs.imports.encoding import TextCode, detect_encoding
from jobs.imports.errors import BadFileError
from jobs.imports.header import MAX_COLUMNS, Header, read_header, unnamed_header
from jobs.imports.header_row import MAX_HEADER_ROWS, find_header

MIB = 1024 * 1024
MAX_FILE_BYTES = 500 * MIB
MAX_LINE_CHARACTERS = MIB
MAX_LINES_OF_A_RECORD = 100

START_BYTES = 8192
"""What a CSV's separator is told by."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One record: the line it begins on (a sheet's row), and its cells, or what is wrong with it.

    `bad_cells`: what is wrong with single ones, by their place from 0; they are empty here.
    """

    number: int
    cells: list[str]
    problem: str | None = None
    bad_cells: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns, and the lines below, to be read once. A spreadsheet has neither separator nor encoding, a CSV no sheets."""

    header: Header
    lines: Iterator[SourceLine]
    header_row: int
    """The line of a CSV or the row of a sheet that names the columns; 0 for a table without a header."""
    separator: str | None = None
    encoding: str | None = None
    title: str | None = None
    titles: tuple[str, ...] = ()
    """The names of all sheets of a workbook, hidden ones too; `title` is that of this one."""


@dataclass(frozen=True, slots=True)
class SheetChoices:
    """What an operator says of the file: a CSV's encoding, a workbook's sheet, the row of the header. None: it is recognised."""

    encoding: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    """As `Sheet.header_row`."""
    known_names: frozenset[str] = frozenset({"phone"})
    """Column names, in lower case, by which the header and the sheet of a workbook are recognised."""
    country: str | None = None
    """The country (ISO code) of numbers without a calling code: the letters of its languages are expected."""


NO_CHOICES = SheetChoices()


@contextmanager
def open_sheet(path: Path, choices: SheetChoices = NO_CHOICES) -> Iterator[Sheet]:
    """Open a CSV or XLSX file. Raises BadFileError if it is neither, too big, or in an encoding that is not certain."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise BadFileError("{file} is no file", file=path.name)
        if size > MAX_FILE_BYTES:
            raise BadFileError(
                "{file} has {size} MB; at most {max_file_bytes} are allowed: split it",
                file=path.name,
                size=size // MIB,
                max_file_bytes=MAX_FILE_BYTES // MIB,
            )
        with path.open("rb") as raw:
            start = raw.read(START_BYTES)
            raw.seek(0)
            if start.startswith(b"PK\x03\x04"):
                with load("jobs.imports.xlsx_process:open_xlsx")(path, choices) as sheet:
                    yield sheet
            else:
                yield _csv(path, raw, start, choices)
    except OSError as error:
        raise BadFileError("{path}: cannot be read ({reason})", path=path, reason=error.strerror or error) from error


def table_below(
    path: Path, records: Iterator[SourceLine], choices: SheetChoices
) -> tuple[Header, int, Iterator[SourceLine]] | None:
    """The header of a table, the number of its row, and the lines below; None if there is no line.

    Raises BadFileError if there is no line of the chosen number, or if the first line cannot be read.
    """
    if choices.header_row:
        header_line = next((record for record in records if record.number >= choices.header_row), None)
        if header_line is None or header_line.number != choices.header_row:
            raise BadFileError("{file} has nothing on line {number}", file=path.name, number=choices.header_row)
        below = list(islice(records, MAX_HEADER_ROWS))
    else:
        first = list(islice(records, MAX_HEADER_ROWS))
        if not first:
            return None
        place = None if choices.header_row == 0 else _header_place(first, choices)
        if place is None:
            return unnamed_header(path, _filled(first)), 0, chain(first, records)
        header_line, below = first[place], first[place + 1 :]
    if header_line.problem:
        raise BadFileError(
            "{file}, line {number}: {problem}",
            file=path.name,
            number=header_line.number,
            problem=header_line.problem,
        )
    filled = _filled(below, len(header_line.cells))
    return read_header(path, header_line.cells, filled), header_line.number, chain(below, records)


def _filled(lines: Sequence[SourceLine], most: int = MAX_COLUMNS + 1) -> int:
    """The columns up to the last one in which something stands, of the first `most`."""
    places = (place for line in lines for place, cell in enumerate(line.cells[:most], 1) if cell.strip())
    return max(places, default=0)


def _header_place(first: Sequence[SourceLine], choices: SheetChoices) -> int | None:
    if first[0].problem:
        return 0
    readable = [place for place, record in enumerate(first) if not record.problem]
    found = find_header([first[place].cells for place in readable], choices.known_names)
    return None if found is None else readable[found]


def _csv(path: Path, raw: IO[bytes], start: bytes, choices: SheetChoices) -> Sheet:
    code = detect_encoding(path, raw, choices.encoding, choices.country)
    beginning = start.decode(code.codec, errors="ignore")
    # By name: the process that reads a workbook needs neither this nor the tables that it knows.
    separator = load("jobs.imports.delimiter:detect_delimiter")(beginning, is_whole=len(start) < START_BYTES)
    # Line ends are not translated: a cell's own come back as they were.
    lines = _Lines(io.TextIOWrapper(raw, encoding=code.codec, errors=code.errors, newline=""))
    if load("jobs.imports.delimiter:SEP_LINE").match(beginning):
        lines.take()
    table = table_below(path, _records(lines, separator, code), choices)
    if table is None:
        raise BadFileError("{file} is empty; its first line must name the columns, phone among them", file=path.name)
    header, header_row, records = table
    return Sheet(header, records, header_row, separator, code.name)


def _records(lines: "_Lines", separator: str, code: TextCode) -> Iterator[SourceLine]:
    """Records of a CSV file. A quote that is never closed spoils its own line alone: reading goes on at the next."""
    while (current := lines.take()) is not None:
        number, line = current
        if line.strip("\r\n"):
            yield _record(lines, number, line, separator, code)


class _Lines:
    """Numbered lines of bounded length, which can be given back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: list[tuple[int, str]] = []
        self._number = 0

    def take(self) -> tuple[int, str] | None:
        if self._back:
            return self._back.pop()
        line = self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            return None
        self._number += 1
        if len(line) >= MAX_LINE_CHARACTERS:
            raise BadFileError(
                "line {number} is longer than {max_line_characters:,} characters: this is no CSV file",
                number=self._number,
                max_line_characters=MAX_LINE_CHARACTERS,
            )
        return self._number, line

    def give_back(self, taken: list[tuple[int, str]]) -> None:
        self._back.extend(reversed(taken))


def _record(lines: _Lines, number: int, line: str, separator: str, code: TextCode) -> SourceLine:
    cells, problem = _cells(line, separator)
    more: list[tuple[int, str]] = []
    whole = line
    while cells is None and problem == _OPEN_QUOTE:
        following = lines.take() if len(more) < MAX_LINES_OF_A_RECORD and len(whole) < MAX_LINE_CHARACTERS else None
        if following is None:
            lines.give_back(more)
            return SourceLine(number, [], _OPEN_QUOTE)
        more.append(following)
        whole += following[1]
        if '"' in following[1]:
            cells, problem = _cells(whole, separator)
    if cells is None:
        lines.give_back(more)
        return SourceLine(number, [], problem)
    if "\x00" in whole:
        return SourceLine(number, [], "holds a NUL byte")
    if code.strange.search(whole):
        return SourceLine(number, [], f"is not {code.name.upper()} text")
    return SourceLine(number, cells)


_OPEN_QUOTE = "a quote is opened and never closed"


def _cells(record: str, separator: str) -> tuple[list[str] | None, str | None]:
    try:
        return next(csv.reader([record], strict=True, delimiter=separator), []), None
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None, _OPEN_QUOTE
        return None, f"is no CSV ({error})"
