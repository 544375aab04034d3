"""Importing contacts from a file: the whole of it is read and checked first, then taken in chunk by chunk.

What was read waits in a file without a name, so memory stays flat and a file that cannot be read to its end imports
nothing. A run that died is simply started again: what it took in comes out as unchanged.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson
from sqlalchemy.exc import IntegrityError, OperationalError

from jobs.import_reader import BadFile, Line, open_sheet
from jobs.runtime import Runtime
from models.attribute_values import BadValue
from models.clock import utcnow
from models.import_row import Columns, ImportRow, fold, read_columns, read_row
from models.intake import Origin, Tally, find_rows, take_rows
from models.tagging import add_members, attribute_types, define_attributes, list_id

CHUNK_ROWS = 1000
"""About a tenth of a second's writing with five tags a row; fewer where the machine is slower."""
FEWEST_ROWS = 50
LONGEST_WRITE_SECONDS = 0.2
"""Others wait for SQLite's one writer: a chunk that took longer makes the next ones smaller."""
TRIES = 3
MOST_ROWS = 2_000_000
"""Who is in the file more than once is known by a set in memory: about 75 bytes a row."""
MOST_REFUSALS = 100_000
"""Lines refused beyond this are counted, not listed."""

Progress = Callable[[int, int], None]
"""Called with the rows that are done, and all there are."""


@dataclass(slots=True)
class ImportResult:
    """What an import did, or in a dry run would do."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    """`{"line", "reason"}` in the order of the file."""
    refused_total: int = 0
    done: int = 0
    """Rows that were taken or passed over, of `total`; as many where the file was done to its end."""
    total: int = 0

    def to_json(self) -> dict[str, Any]:
        """The public summary."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
        }

    def refuse(self, line: int, reason: str) -> None:
        """Note a line that was not taken."""
        self.refused_total += 1
        if len(self.refused) < MOST_REFUSALS:
            self.refused.append({"line": line, "reason": reason})

    def add(self, tally: Tally) -> None:
        """Count a chunk."""
        self.created += tally.created
        self.updated += tally.updated
        self.unchanged += tally.unchanged
        for line, reason in tally.refused:
            self.refuse(line, reason)


@dataclass(slots=True)
class ListResult:
    """What came of putting a file's phones on a list."""

    id: int
    name: str
    added: int = 0
    already: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The summary that the command prints."""
        return {
            "id": self.id,
            "name": self.name,
            "added": self.added,
            "already": self.already,
            "refused": self.refused,
        }


def import_contacts(
    rt: Runtime,
    path: Path | str,
    *,
    dry_run: bool = False,
    actor: str = "cli",
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    source: str = "",
    skip: int = 0,
    is_over: Callable[[], bool] | None = None,
) -> ImportResult:
    """Import a CSV or XLSX file of the public format; a dry run says the same and changes nothing.

    `columns` renames the file's columns (`{"Teléfono": "phone", "Notes": ""}`; an empty name leaves one out). `source` is where
    the people agreed, for rows that do not say. Once `is_over` says so it ends after the chunk at hand; called again with what
    was `done` as `skip` it goes on there, and says nothing more of the lines that it had refused while reading.
    BadFile (a ValueError, one line) where nothing of the file can be taken; a bad row is in the result.
    """
    path = Path(path)
    result = ImportResult()
    now = utcnow()
    origin = Origin(path.name[:200], actor, rt.vault)
    with tempfile.TemporaryFile() as spool:
        rows = _Spool(spool)
        # Those that cannot be read were told of the first time.
        meaning = _read_all(rt, path, columns, rows, ImportResult() if skip else result, source=source)
        result.total = rows.count
        if not dry_run and rows.count:
            with rt.database.write() as session:
                define_attributes(session, meaning.attributes, now)
        for chunk, lines in rows.chunks(skip):
            tally, seconds = _take(rt, chunk, now, origin, dry_run=dry_run)
            if not dry_run:
                rows.adapt(len(chunk), seconds)
            tally.unchanged += lines - len(chunk)  # further lines of a person are in the first one's
            result.add(tally)
            if progress is not None:
                progress(rows.done, rows.count)
            if is_over is not None and is_over():
                break
        result.done = rows.done
    result.refused.sort(key=lambda refusal: refusal["line"])
    return result


def add_to_list(rt: Runtime, name: str, path: Path | str) -> ListResult:
    """Put the contacts of a file's `phone` column on a list, which is made if there is none; unknown phones are refused.

    BadFile or BadValue, each one line, where nothing of it can be done.
    """
    now = utcnow()
    refusals = ImportResult()
    with tempfile.TemporaryFile() as spool:
        rows = _Spool(spool)
        _read_all(rt, Path(path), None, rows, refusals, only_phone=True)
        with rt.database.write() as session:
            result = ListResult(list_id(session, name, now), name.strip())
        for chunk, _lines in rows.chunks():
            with rt.database.write() as session:
                found = find_rows(session, chunk)
                added = add_members(session, result.id, found.values(), now)
            result.added += added
            result.already += len(set(found.values())) - added
            for row in chunk:
                if row.line not in found:
                    refusals.refuse(row.line, "no contact has this phone; import it first")
    result.refused = sorted(refusals.refused, key=lambda refusal: int(refusal["line"]))
    return result


def preview(path: Path | str, rows: int = 5) -> tuple[list[str], list[list[str]]]:
    """The names of a file's columns and its first rows, for the page on which they are mapped."""
    with open_sheet(Path(path)) as sheet:
        first = [line.cells for line, _ in zip(sheet.lines, range(rows), strict=False)]
        return sheet.header, first


class TooManyRows(Exception):  # noqa: N818 - reads as a claim where it is caught
    """The file has more rows than are taken at once."""


class _Spool:
    """Rows that were read, in a file; and who is in it more than once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._seen: set[int] = set()
        self._twice: set[int] = set()
        self._size = CHUNK_ROWS
        self.count = 0
        self.done = 0

    def add(self, row: ImportRow) -> None:
        if self.count >= MOST_ROWS:
            raise TooManyRows
        self._file.write(orjson.dumps(row) + b"\n")
        self.count += 1
        person = hash(row.key)
        (self._twice if person in self._seen else self._seen).add(person)

    def adapt(self, rows: int, seconds: float) -> None:
        """Make the next chunks such that they take about the time that one may."""
        fitting = int(rows * LONGEST_WRITE_SECONDS / max(seconds, 0.001))
        self._size = min(CHUNK_ROWS, max(FEWEST_ROWS, fitting))

    def chunks(self, skip: int = 0) -> Iterator[tuple[list[ImportRow], int]]:
        """Rows of different people, with how many lines they were; a person of several lines comes last, as one row.

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
                yield chunk, len(chunk)
                chunk = []
        yield from self._last(chunk, list(several.values()), skip)

    def _last(
        self, chunk: list[ImportRow], several: list[list[ImportRow]], skip: int
    ) -> Iterator[tuple[list[ImportRow], int]]:
        while several and self.done < skip:
            self.done += len(several.pop(0))
        groups = [[row] for row in chunk] + several
        while groups:
            some, groups = groups[: self._size], groups[self._size :]
            lines = sum(map(len, some))
            self.done += lines
            yield [fold(rows) for rows in some], lines


def _read_all(
    rt: Runtime,
    path: Path,
    names: Mapping[str, str] | None,
    rows: _Spool,
    result: ImportResult,
    *,
    only_phone: bool = False,
    source: str = "",
) -> Columns:
    """Every line, as a row in the spool or a refusal."""
    with open_sheet(path) as sheet:
        try:
            columns = read_columns([(names or {}).get(name, name) for name in sheet.header])
        except BadValue as error:
            raise BadFile(f"{path.name}: {error}") from error
        if only_phone:
            columns = replace(columns, places={"phone": columns.places["phone"]}, fields={}, attributes={})
        with rt.database.read() as session:
            columns = replace(columns, types=attribute_types(session, list(columns.attributes)), source=source)
        try:
            _read_lines(sheet.lines, columns, rt.settings.default_country, rows, result)
        except TooManyRows:
            raise BadFile(f"{path.name} has more than {MOST_ROWS:,} rows: split it") from None
    return columns


def _read_lines(
    lines: Iterable[Line], columns: Columns, country: str | None, rows: _Spool, result: ImportResult
) -> None:
    for line in lines:
        if line.problem:
            result.refuse(line.number, line.problem)
            continue
        try:
            rows.add(read_row(line.number, line.cells, columns, country))
        except ValueError as error:
            result.refuse(line.number, str(error))


def _take(rt: Runtime, chunk: list[ImportRow], now: datetime, origin: Origin, *, dry_run: bool) -> tuple[Tally, float]:
    """One chunk in one transaction, again where another process was in its way; with how long it held the database."""
    tries = 1
    while True:
        try:
            with rt.database.read() if dry_run else rt.database.write() as session:
                began = time.monotonic()
                return take_rows(session, chunk, now, origin, dry_run=dry_run), time.monotonic() - began
        except (IntegrityError, OperationalError):
            if tries == TRIES:
                raise
            tries += 1
