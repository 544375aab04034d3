"""Stages the rows of a file until the whole file is read, then returns them in chunks.

They wait in an unnamed temporary file, so memory stays flat and a file that cannot be read to its end imports nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import orjson

from jobs.core.runtime import Runtime
from jobs.imports.country_cell import country_named
from jobs.imports.errors import BadFileError
from jobs.imports.header import MAX_TAKEN
from jobs.imports.known_exports import FIELDS, certain_fields, is_of_a_campaign
from jobs.imports.reader import NO_CHOICES, Sheet, SheetChoices, open_sheet
from jobs.imports.result import ImportResult
from models.contacts.field_values import FieldValueError, read_name
from models.contacts.tagging import attribute_types
from models.errors import HarkError
from models.imports.contact_row import (
    SECOND_PHONE,
    CellWarning,
    Columns,
    ImportRow,
    combine_rows,
    read_columns,
    read_row,
)

CHUNK_ROWS = 1000
"""Writing so many rows with five tags each takes about 0.1 s; `adapt` lowers the number on a slower machine."""
MIN_ROWS = 50
MAX_WRITE_SECONDS = 0.2
"""Other processes wait for SQLite's one writer, so a chunk that took longer makes the next ones smaller."""
MAX_ROWS = 2_000_000
"""Repeated people are found by a set in memory: about 75 bytes a row."""


TOO_MANY = (
    f"the file has more than {MAX_TAKEN} columns: one that is no field and no attribute is left out unless it is chosen"
)
LEFT_OUT = "the column has no name of its own in the file: it is left out unless it is taken as a field"


class TooManyRowsError(HarkError):
    """The file has more than `MAX_ROWS` rows."""


class StagingFile:
    """Rows that were read, in a temporary file; tracks which people have several rows."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._seen: set[int] = set()
        self._repeated: set[int] = set()
        self._size = CHUNK_ROWS
        self.count = 0
        self.done = 0

    def add(self, row: ImportRow) -> None:
        """Stage a row. Raises TooManyRowsError if the file is full."""
        if self.count >= MAX_ROWS:
            raise TooManyRowsError
        self._file.write(orjson.dumps(row) + b"\n")
        self.count += 1
        person = hash(row.key)
        (self._repeated if person in self._seen else self._seen).add(person)

    def adapt(self, rows: int, seconds: float) -> None:
        """Size the next chunks so that each takes about `MAX_WRITE_SECONDS`; the last one wrote `rows` in `seconds`."""
        rows_in_time = int(rows * MAX_WRITE_SECONDS / max(seconds, 0.001))
        self._size = min(CHUNK_ROWS, max(MIN_ROWS, rows_in_time))

    def chunks(self, skip: int = 0) -> Iterator[tuple[tuple[list[ImportRow], int], int]]:
        """Yield `((rows, lines), done)`: rows of different people, how many lines they were, and how many lines are done after it.

        A person with several lines comes last, as one combined row. The order is the same each time, whatever the size of the
        chunks: the first `skip` lines are left out, as they were in earlier chunks.
        """
        self._seen.clear()
        self._file.seek(0)
        repeated_rows: dict[str, list[ImportRow]] = {}
        chunk: list[ImportRow] = []
        for text in self._file:
            row = ImportRow(**orjson.loads(text))
            if hash(row.key) in self._repeated:
                repeated_rows.setdefault(row.key, []).append(row)
                continue
            if self.done < skip:
                self.done += 1
                continue
            chunk.append(row)
            if len(chunk) >= self._size:
                self.done += len(chunk)
                yield (chunk, len(chunk)), self.done
                chunk = []
        yield from self._last_chunks(chunk, list(repeated_rows.values()), skip)

    def _last_chunks(
        self, rows: list[ImportRow], repeated_rows: list[list[ImportRow]], skip: int
    ) -> Iterator[tuple[tuple[list[ImportRow], int], int]]:
        while repeated_rows and self.done < skip:
            self.done += len(repeated_rows.pop(0))
        groups = [[row] for row in rows] + repeated_rows
        while groups:
            chunk_groups, groups = groups[: self._size], groups[self._size :]
            lines = sum(map(len, chunk_groups))
            self.done += lines
            yield ([combine_rows(group) for group in chunk_groups], lines), self.done


def stage_rows(
    rt: Runtime,
    path: Path,
    names: Mapping[str, str] | None,
    staging: StagingFile,
    result: ImportResult,
    *,
    only_phone: bool = False,
    source: str = "",
    consents: Mapping[str, str] | None = None,
    country: str | None = None,
    tag_separator: str = "",
    choices: SheetChoices = NO_CHOICES,
) -> Columns:
    """Read the file at `path` into `staging`; bad lines and cells go to `result`.

    `consents`: what words in lower case mean; `country`: of national numbers, instead of the house's; `tag_separator` as in
    `Columns`. Raises BadFileError if nothing of the file can be imported.
    """
    home = country or rt.settings.default_country
    with open_sheet(path, replace(choices, country=home)) as sheet:
        result.encoding, result.sheet, result.header_row = sheet.encoding, sheet.title, sheet.header_row
        chosen = names or {}
        certain = {name: it for name, it in certain_fields(sheet.header).items() if not it or it not in chosen.values()}
        try:
            known = certain | dict(chosen)
            if sheet.header.count_taken(known) > MAX_TAKEN:
                known = _without_unknown(rt, sheet, known, result) | known
            header = _without_bad_names(sheet, sheet.header.renamed(path, known), chosen, result)
            columns = read_columns(header)
        except FieldValueError as error:
            raise BadFileError("{file}: {error}", file=path.name, error=error) from error
        if only_phone:
            phones = {name: place for name, place in columns.places.items() if name in {"phone", SECOND_PHONE}}
            columns = replace(columns, places=phones, fields={}, attributes={})
        with rt.database.read() as session:
            types = attribute_types(session, list(columns.attributes))
        width = max(columns.width, sheet.header.width)
        is_own_export = is_of_a_campaign(sheet.header)
        columns = replace(
            columns, width=width, types=types, source=source, consents=consents or {}, tag_separator=tag_separator,
            is_own_export=is_own_export,
        )  # fmt: skip
        try:
            for name in sorted(sheet.header.made_names - set(names or {})):
                result.warn(max(sheet.header_row, 1), name, LEFT_OUT)
            _read_lines(sheet, columns, home, staging, result)
        except TooManyRowsError:
            raise BadFileError(
                "{file} has more than {max_rows:,} rows: split it", file=path.name, max_rows=MAX_ROWS
            ) from None
    result.total = staging.count
    return columns


def _without_unknown(rt: Runtime, sheet: Sheet, known: Mapping[str, str], result: ImportResult) -> dict[str, str]:
    """Of a file with more columns than can be taken: those that nobody knows, to be left out, each with a warning."""
    names = [name for name in sheet.header.names if name not in known and name not in sheet.header.made_names]
    with rt.database.read() as session:
        existing = attribute_types(session, names)
    unknown = [name for name in names if name not in existing and name.strip().lower() not in FIELDS]
    for name in unknown:
        result.warn(max(sheet.header_row, 1), name, TOO_MANY)
    return dict.fromkeys(unknown, "")


def _without_bad_names(sheet: Sheet, header: list[str], names: Mapping[str, str], result: ImportResult) -> list[str]:
    """The header without the columns whose names no attribute can have; one that was chosen stays, and is refused."""
    chosen = set(names.values())
    kept: list[str] = []
    for name in header:
        try:
            kept.append(read_name(name, "the column") if name and name not in chosen else name)
        except FieldValueError as error:
            result.warn(max(sheet.header_row, 1), name, str(error))
            kept.append("")
    return kept


def _read_lines(
    sheet: Sheet, columns: Columns, country: str | None, staging: StagingFile, result: ImportResult
) -> None:
    taken = {*columns.places.values(), *columns.fields.values(), *columns.attributes.values()}
    names = sheet.header.names
    for line in sheet.lines:
        problem = line.problem or line.bad_cells.get(columns.places["phone"])
        if problem:
            result.refuse(line.number, problem if line.problem else f"the phone {problem}")
            continue
        warnings = [CellWarning(names[place], why) for place, why in line.bad_cells.items() if place in taken]
        try:
            staging.add(read_row(line.number, line.cells, columns, country, warnings, country_named))
        except ValueError as error:
            result.refuse(line.number, str(error))
            continue
        for column, reason in warnings:
            result.warn(line.number, column, reason)
