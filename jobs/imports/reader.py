"""Reads a file, CSV or XLSX, line by line in bounded memory; what is wrong with a line stays with that line."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from jobs.core.loader import load
from jobs.imports.delimiter import SEP_LINE, detect_delimiter
from jobs.imports.encoding import UTF16_MARKS, TextCode, detect_encoding
from jobs.imports.errors import BadFileError
from jobs.imports.header import Header, read_header

MIB = 1024 * 1024
MAX_FILE_BYTES = 500 * MIB
MAX_LINE_CHARACTERS = MIB
MAX_LINES_OF_A_RECORD = 100

START_BYTES = 8192
"""What a CSV's separator is told by."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One record: the line it begins on (a sheet's row), and its cells, or what is wrong with it."""

    number: int
    cells: list[str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns, and the lines below, to be read once. A spreadsheet has neither separator nor encoding."""

    header: Header
    lines: Iterator[SourceLine]
    separator: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class SheetChoices:
    """What an operator says of the file: a CSV's encoding, a workbook's sheet. None: it is recognised."""

    encoding: str | None = None
    sheet: str | None = None
    known_names: frozenset[str] = frozenset({"phone"})
    """Column names, in lower case, by which the sheet of a workbook is recognised."""


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
                sheet: Sheet = load("jobs.imports.xlsx:read_xlsx")(path, choices)
                yield sheet
            else:
                yield _csv(path, raw, start, choices.encoding)
    except OSError as error:
        raise BadFileError("{path}: cannot be read ({reason})", path=path, reason=error.strerror or error) from error


def _csv(path: Path, raw: IO[bytes], start: bytes, encoding: str | None) -> Sheet:
    if encoding is None and not start.startswith(UTF16_MARKS) and b"\x00" in start.split(b"\n", 1)[0]:
        raise BadFileError("{file} is not UTF-8 text; save it as CSV UTF-8", file=path.name)
    code = detect_encoding(path, raw, encoding)
    beginning = start.decode(code.codec, errors="ignore")
    separator = detect_delimiter(beginning, is_whole=len(start) < START_BYTES)
    lines = _Lines(io.TextIOWrapper(raw, encoding=code.codec, errors=code.errors))
    if SEP_LINE.match(beginning):
        lines.take()
    records = _records(lines, separator, code)
    first = next(records, None)
    if first is None:
        raise BadFileError("{file} is empty; its first line must name the columns, phone among them", file=path.name)
    if first.problem:
        raise BadFileError(
            "{file}, line {number}: {problem}", file=path.name, number=first.number, problem=first.problem
        )
    return Sheet(read_header(path, first.cells), records, separator, code.name)


def _records(lines: "_Lines", separator: str, code: TextCode) -> Iterator[SourceLine]:
    """Records of a CSV file. A quote that is never closed spoils its own line alone: reading goes on at the next."""
    while (current := lines.take()) is not None:
        number, line = current
        if line.strip("\n"):
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
