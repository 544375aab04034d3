"""Imports orders from a file: reads and checks the whole file first, then writes it chunk by chunk."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO

import orjson
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.imports.errors import BadFileError
from jobs.imports.lists import UNKNOWN
from jobs.imports.reader import NO_CHOICES, SheetChoices, SourceLine, open_sheet
from jobs.imports.result import ImportResult, IsOver, Progress, in_transaction, run_chunks
from jobs.imports.staging import MAX_ROWS, TooManyRowsError
from models.clock import utcnow
from models.contacts.field_values import FieldValueError
from models.imports.contact_row import Columns, ImportRow, read_row
from models.imports.upsert import match_rows
from models.shop.order_row import OrderRow, add_item, read_key, read_order, read_order_columns
from models.shop.orders import OrderKey, OrderTally, upsert_orders

CHUNK = 250
_PHONE_COLUMN = Columns(1, {"phone": 0}, {}, {})
_Chunk = list[tuple[OrderRow, ImportRow]]


def import_orders(
    rt: Runtime,
    path: Path | str,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    choices: SheetChoices = NO_CHOICES,
    skip: int = 0,
    is_over: IsOver | None = None,
) -> ImportResult:
    """Import a CSV or XLSX file of orders; a dry run returns the same result and changes nothing.

    The result counts orders, not lines. `columns` and `skip` (orders that are done) as in `import_contacts`; a bad line is in
    the result. Raises BadFileError if nothing of the file can be imported.
    """
    path = Path(path)
    result = ImportResult()
    now = utcnow()
    with tempfile.TemporaryFile() as staging:
        read_result = ImportResult() if skip else result
        result.total = _read_all(rt, path, columns, choices, staging, read_result)
        result.encoding, result.sheet = read_result.encoding, read_result.sheet
        result.header_row = read_result.header_row

        def import_chunk(chunk: _Chunk) -> None:
            tally, unknown_rows = in_transaction(
                rt, lambda session: _import_chunk(session, chunk, now, dry_run=dry_run), dry_run=dry_run
            )
            result.add(tally.created, tally.updated, tally.unchanged)
            lines = {row.key: row.line for row, _ in chunk}
            for key, change in tally.changes:
                result.add_change(lines[key], change)
            for row in unknown_rows:
                result.refuse(row.line, UNKNOWN)
                for line in row.more_lines:
                    result.refuse(line, f"line {row.line} of this order was refused")

        return run_chunks(_chunks(staging, skip), import_chunk, result, progress, is_over)


class _Reader:
    """Combines lines into orders. The lines of an order follow each other; one bad line refuses the whole order."""

    def __init__(self, rt: Runtime, places: Mapping[str, int], staging: IO[bytes], result: ImportResult) -> None:
        self.country = rt.settings.default_country
        self.places = places
        self.staging = staging
        self.result = result
        self.count = 0
        self._seen: set[int] = set()
        self._key: OrderKey | None = None
        self._row: OrderRow | None = None
        """The order of the previous line; None if it was refused."""

    def read_line(self, line: SourceLine) -> None:
        """Add a line to its order, or refuse it."""
        try:
            if line.problem or line.bad_cells:
                problem = line.problem or self._bad_cell(line)
                if problem:
                    raise FieldValueError("{problem}", problem=problem)
            key = read_key(line.cells, self.places)
            if key != self._key:
                self._begin(key, line)
            elif self._row is None:
                raise FieldValueError("another line of this order was refused")
            else:
                self._add(self._row, line)
        except ValueError as error:
            self.result.refuse(line.number, str(error))

    def _bad_cell(self, line: SourceLine) -> str | None:
        """What is wrong with a cell of a column that is taken."""
        return next(
            (f"{name} {line.bad_cells[place]}" for name, place in self.places.items() if place in line.bad_cells), None
        )

    def finish(self) -> None:
        """Stage the order of the previous line. Raises TooManyRowsError if the file has too many orders."""
        if self._row is not None:
            row = self._row
            phone = read_row(row.line, [row.phone], _PHONE_COLUMN, self.country)
            self.staging.write(orjson.dumps([row, phone]) + b"\n")
            self.count += 1
            if self.count > MAX_ROWS:
                raise TooManyRowsError
        self._row = None

    def _begin(self, key: OrderKey, line: SourceLine) -> None:
        self.finish()
        self._key = key
        if hash(key) in self._seen:
            raise FieldValueError("this order stands further up too; its lines must follow each other")
        self._seen.add(hash(key))
        row = read_order(line.number, line.cells, self.places)
        read_row(line.number, [row.phone], _PHONE_COLUMN, self.country)
        self._row = row

    def _add(self, row: OrderRow, line: SourceLine) -> None:
        try:
            add_item(row, line.cells, self.places)
        except ValueError:
            # Refuse all its lines, so that the rejected rows can be corrected and imported again.
            for number in (row.line, *row.more_lines):
                self.result.refuse(number, f"line {line.number} of this order was refused")
            self._row = None
            raise
        row.more_lines.append(line.number)


def _read_all(
    rt: Runtime,
    path: Path,
    names: Mapping[str, str] | None,
    choices: SheetChoices,
    staging: IO[bytes],
    result: ImportResult,
) -> int:
    """Stage the orders of the file; returns how many. Raises BadFileError if columns are missing or there are too many orders."""
    with open_sheet(path, replace(choices, country=rt.settings.default_country)) as sheet:
        result.encoding, result.sheet, result.header_row = sheet.encoding, sheet.title, sheet.header_row
        try:
            places = read_order_columns(sheet.header.renamed(path, names or {}))
        except FieldValueError as error:
            raise BadFileError("{file}: {error}", file=path.name, error=error) from error
        reader = _Reader(rt, places, staging, result)
        try:
            for line in sheet.lines:
                reader.read_line(line)
            reader.finish()
        except TooManyRowsError:
            raise BadFileError(
                "{file} has more than {max_rows:,} orders: split it", file=path.name, max_rows=MAX_ROWS
            ) from None
    return reader.count


def _chunks(staging: IO[bytes], skip: int) -> Iterator[tuple[_Chunk, int]]:
    """Yield orders in the file's order, with how many are done after the chunk; the first `skip` are left out."""
    staging.seek(0)
    done, chunk = skip, []
    for line in islice(staging, skip, None):
        row, phone = orjson.loads(line)
        chunk.append((OrderRow(**row), ImportRow(**phone)))
        if len(chunk) >= CHUNK:
            done += len(chunk)
            yield chunk, done
            chunk = []
    if chunk:
        yield chunk, done + len(chunk)


def _import_chunk(
    session: Session, chunk: _Chunk, now: datetime, *, dry_run: bool
) -> tuple[OrderTally, list[OrderRow]]:
    """The tally of the chunk, and its orders whose phone belongs to no contact."""
    contacts = match_rows(session, [phone for _, phone in chunk], lock=not dry_run)
    order_rows = [row.order_of(contacts[row.line]) for row, _ in chunk if row.line in contacts]
    unknown_rows = [row for row, _ in chunk if row.line not in contacts]
    return upsert_orders(session, order_rows, now, dry_run=dry_run), unknown_rows
