"""Reading a file, CSV or XLSX, line by line in bounded memory; what is wrong with a line stays with that line."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, TextIO

from jobs.core.loader import load
from jobs.imports.delimiter import SEP_LINE, detect_delimiter
from models.errors import OperatorError

MIB = 1024 * 1024
MAX_FILE_BYTES = 500 * MIB
MAX_LINE_CHARACTERS = MIB
MAX_COLUMNS = 200
MAX_LINES_OF_A_RECORD = 100

START_BYTES = 8192
"""What a CSV's separator is told by."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class _Code(NamedTuple):
    """How bytes are read, and by what one knows afterwards that some were none."""

    name: str
    encoding: str
    errors: str
    strange: re.Pattern[str]


_UTF8 = _Code("UTF-8", "utf-8-sig", "surrogateescape", re.compile(r"[\udc80-\udcff]"))
_UTF16 = _Code("UTF-16", "utf-16", "replace", re.compile("\ufffd"))


class BadFileError(OperatorError):
    """Nothing of the file can be taken; the message is one line."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One record: the line it begins on (a sheet's row), and its cells, or what is wrong with it."""

    number: int
    cells: list[str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The names of the columns, and the lines below, to be read once. A spreadsheet has no separator."""

    header: list[str]
    lines: Iterator[SourceLine]
    separator: str | None = None

    def renamed(self, path: Path, names: Mapping[str, str]) -> list[str]:
        """The header with other names for some columns (an empty one leaves a column out). BadFile for one that is not there,
        and for two of one name."""
        unknown = next((name for name in names if name not in self.header), None)
        if unknown is not None:
            raise BadFileError("{file}: there is no column {unknown!r}", file=path.name, unknown=unknown)
        header = [names.get(name, name) for name in self.header]
        _check_names(path, header)
        return header


@contextmanager
def open_sheet(path: Path) -> Iterator[Sheet]:
    """A CSV (UTF-8, or UTF-16 with its mark) or XLSX file. BadFile where it is neither, or too big to be one."""
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
                sheet: Sheet = load("jobs.imports.xlsx:read_xlsx")(path)
                yield sheet
            else:
                yield _csv(path, raw, start)
    except OSError as error:
        raise BadFileError("{path}: cannot be read ({reason})", path=path, reason=error.strerror or error) from error


def _csv(path: Path, raw: IO[bytes], start: bytes) -> Sheet:
    code = _UTF16 if start.startswith(_UTF16_MARKS) else _UTF8
    if code is _UTF8 and b"\x00" in start.split(b"\n", 1)[0]:
        raise BadFileError("{file} is not UTF-8 text; save it as CSV UTF-8", file=path.name)
    beginning = start.decode(code.encoding, errors="ignore")
    separator = detect_delimiter(beginning, is_whole=len(start) < START_BYTES)
    lines = _Lines(io.TextIOWrapper(raw, encoding=code.encoding, errors=code.errors))
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
    return Sheet(checked_header(path, first.cells), records, separator)


def checked_header(path: Path, cells: Iterable[str]) -> list[str]:
    """The columns' names: known ones in lower case, each once, `phone` among them."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise BadFileError(
            "{file} has {count} columns; at most {max_columns} are allowed",
            file=path.name,
            count=len(names),
            max_columns=MAX_COLUMNS,
        )
    for position, name in enumerate(names, 1):
        if not name:
            raise BadFileError("{file}: column {position} has no name", file=path.name, position=position)
    _check_names(path, names)
    return names


def _check_names(path: Path, names: Iterable[str]) -> None:
    lower = [name.strip().lower() for name in names if name.strip()]
    twice = next((name for name in lower if lower.count(name) > 1), None)
    if twice:
        raise BadFileError("{file}: the column {twice!r} is there twice", file=path.name, twice=twice)


def _records(lines: "_Lines", separator: str, code: _Code) -> Iterator[SourceLine]:
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


def _record(lines: _Lines, number: int, line: str, separator: str, code: _Code) -> SourceLine:
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
        return SourceLine(number, [], f"is not {code.name} text")
    return SourceLine(number, cells)


_OPEN_QUOTE = "a quote is opened and never closed"


def _cells(record: str, separator: str) -> tuple[list[str] | None, str | None]:
    try:
        return next(csv.reader([record], strict=True, delimiter=separator), []), None
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None, _OPEN_QUOTE
        return None, f"is no CSV ({error})"
