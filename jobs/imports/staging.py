"""Rows about people that were read from a file, put aside until the whole of it is read, and given back in chunks.

They wait in a file without a name, so memory stays flat and a file that cannot be read to its end imports nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import orjson

from jobs.core.runtime import Runtime
from jobs.imports.reader import BadFileError, SourceLine, open_sheet
from jobs.imports.result import ImportResult
from models.contacts.field_values import FieldValueError
from models.contacts.tagging import attribute_types
from models.errors import HarkError
from models.imports.contact_row import Columns, ImportRow, combine_rows, read_columns, read_row

CHUNK_ROWS = 1000
"""About a tenth of a second's writing with five tags a row; fewer where the machine is slower."""
MIN_ROWS = 50
MAX_WRITE_SECONDS = 0.2
"""Others wait for SQLite's one writer: a chunk that took longer makes the next ones smaller."""
MAX_ROWS = 2_000_000
"""Who is in the file more than once is known by a set in memory: about 75 bytes a row."""


class TooManyRowsError(HarkError):
    """The file has more rows than are taken at once."""


class StagingFile:
    """Rows that were read, in a file; and who is in it more than once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._seen: set[int] = set()
        self._twice: set[int] = set()
        self._size = CHUNK_ROWS
        self.count = 0
        self.done = 0

    def add(self, row: ImportRow) -> None:
        """Put one aside. TooManyRows."""
        if self.count >= MAX_ROWS:
            raise TooManyRowsError
        self._file.write(orjson.dumps(row) + b"\n")
        self.count += 1
        person = hash(row.key)
        (self._twice if person in self._seen else self._seen).add(person)

    def adapt(self, rows: int, seconds: float) -> None:
        """Make the next chunks such that they take about the time that one may."""
        fitting = int(rows * MAX_WRITE_SECONDS / max(seconds, 0.001))
        self._size = min(CHUNK_ROWS, max(MIN_ROWS, fitting))

    def chunks(self, skip: int = 0) -> Iterator[tuple[tuple[list[ImportRow], int], int]]:
        """Rows of different people with how many lines they were, and how many are done then; a person of several lines comes
        last, as one row.

        The order is the same each time, whatever the chunks' size: `skip` lines are passed over, as far as earlier chunks went.
        """
        self._seen.clear()
        self._file.seek(0)
        several: dict[str, list[ImportRow]] = {}
        chunk: list[ImportRow] = []
        for text in self._file:
            row = ImportRow(**orjson.loads(text))
            if hash(row.key) in self._twice:
                several.setdefault(row.key, []).append(row)
                continue
            if self.done < skip:
                self.done += 1
                continue
            chunk.append(row)
            if len(chunk) >= self._size:
                self.done += len(chunk)
                yield (chunk, len(chunk)), self.done
                chunk = []
        yield from self._last(chunk, list(several.values()), skip)

    def _last(
        self, chunk: list[ImportRow], several: list[list[ImportRow]], skip: int
    ) -> Iterator[tuple[tuple[list[ImportRow], int], int]]:
        while several and self.done < skip:
            self.done += len(several.pop(0))
        groups = [[row] for row in chunk] + several
        while groups:
            some, groups = groups[: self._size], groups[self._size :]
            lines = sum(map(len, some))
            self.done += lines
            yield ([combine_rows(rows) for rows in some], lines), self.done


def read_staged_people(
    rt: Runtime,
    path: Path,
    names: Mapping[str, str] | None,
    spool: StagingFile,
    result: ImportResult,
    *,
    only_phone: bool = False,
    source: str = "",
) -> Columns:
    """Every line, as a row in the spool or a refusal. BadFile where nothing of the file can be taken."""
    with open_sheet(path) as sheet:
        try:
            columns = read_columns(sheet.renamed(path, names or {}))
        except FieldValueError as error:
            raise BadFileError("{file}: {error}", file=path.name, error=error) from error
        if only_phone:
            columns = replace(columns, places={"phone": columns.places["phone"]}, fields={}, attributes={})
        with rt.database.read() as session:
            columns = replace(columns, types=attribute_types(session, list(columns.attributes)), source=source)
        try:
            _read_lines(sheet.lines, columns, rt.settings.default_country, spool, result)
        except TooManyRowsError:
            raise BadFileError(
                "{file} has more than {max_rows:,} rows: split it", file=path.name, max_rows=MAX_ROWS
            ) from None
    result.total = spool.count
    return columns


def _read_lines(
    lines: Iterable[SourceLine], columns: Columns, country: str | None, spool: StagingFile, result: ImportResult
) -> None:
    for line in lines:
        if line.problem:
            result.refuse(line.number, line.problem)
            continue
        try:
            spool.add(read_row(line.number, line.cells, columns, country))
        except ValueError as error:
            result.refuse(line.number, str(error))
