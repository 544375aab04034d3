"""Importing orders from a file: read and checked whole, then taken in chunk by chunk, as jobs.imports.contacts does."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO

import orjson
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.imports.lists import UNKNOWN
from jobs.imports.reader import BadFileError, SourceLine, open_sheet
from jobs.imports.result import ImportResult, IsOver, Progress, in_transaction, run_chunks
from jobs.imports.staging import MAX_ROWS, TooManyRowsError
from models.clock import utcnow
from models.contacts.field_values import FieldValueError
from models.imports.contact_row import Columns, ImportRow, read_row
from models.imports.upsert import match_rows
from models.shop.order_row import OrderRow, add_item, read_key, read_order, read_order_columns
from models.shop.orders import OrderKey, OrderTally, upsert_orders

CHUNK = 250
_PHONE = Columns(1, {"phone": 0}, {}, {})
_Chunk = list[tuple[OrderRow, ImportRow]]


def import_orders(
    rt: Runtime,
    path: Path | str,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    skip: int = 0,
    is_over: IsOver | None = None,
) -> ImportResult:
    """Import a CSV or XLSX file of orders; a dry run says the same and changes nothing. Counted are orders, not lines.

    `columns` and `skip` (orders that are done) as with contacts. BadFile (a ValueError, one line) where nothing of the file can be
    taken; a bad line is in the result.
    """
    path = Path(path)
    result = ImportResult()
    now = utcnow()
    with tempfile.TemporaryFile() as spool:
        result.total = _read_all(rt, path, columns, spool, ImportResult() if skip else result)

        def take(chunk: _Chunk) -> None:
            tally, unknown = in_transaction(
                rt, lambda session: _take(session, chunk, now, dry_run=dry_run), dry_run=dry_run
            )
            result.add(tally.created, tally.updated, tally.unchanged)
            lines = {row.key: row.line for row, _ in chunk}
            for key, what in tally.changes:
                result.tell(lines[key], what)
            for row in unknown:
                result.refuse(row.line, UNKNOWN)
                for line in row.more_lines:
                    result.refuse(line, f"line {row.line} of this order was refused")

        return run_chunks(_chunks(spool, skip), take, result, progress, is_over)


class _Reader:
    """Lines to orders. The lines of one order follow each other; with one that is wrong the whole order is refused."""

    def __init__(self, rt: Runtime, places: Mapping[str, int], spool: IO[bytes], result: ImportResult) -> None:
        self.country = rt.settings.default_country
        self.places = places
        self.spool = spool
        self.result = result
        self.count = 0
        self._seen: set[int] = set()
        self._key: OrderKey | None = None
        self._row: OrderRow | None = None
        """The order of the line above; None where it was refused."""

    def take(self, line: SourceLine) -> None:
        """Read a line."""
        try:
            if line.problem:
                raise FieldValueError("{problem}", problem=line.problem)
            key = read_key(line.cells, self.places)
            if key != self._key:
                self._begin(key, line)
            elif self._row is None:
                raise FieldValueError("another line of this order was refused")
            else:
                self._add(self._row, line)
        except ValueError as error:
            self.result.refuse(line.number, str(error))

    def finish(self) -> None:
        """The order of the line above is whole. TooManyRows."""
        if self._row is not None:
            row = self._row
            phone = read_row(row.line, [row.phone], _PHONE, self.country)
            self.spool.write(orjson.dumps([row, phone]) + b"\n")
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
        read_row(line.number, [row.phone], _PHONE, self.country)
        self._row = row

    def _add(self, row: OrderRow, line: SourceLine) -> None:
        try:
            add_item(row, line.cells, self.places)
        except ValueError:
            # With all its lines, so that what was refused can be mended and brought again.
            for number in (row.line, *row.more_lines):
                self.result.refuse(number, f"line {line.number} of this order was refused")
            self._row = None
            raise
        row.more_lines.append(line.number)


def _read_all(rt: Runtime, path: Path, names: Mapping[str, str] | None, spool: IO[bytes], result: ImportResult) -> int:
    """Every order into the spool, or a refusal; how many were taken."""
    with open_sheet(path) as sheet:
        try:
            places = read_order_columns(sheet.renamed(path, names or {}))
        except FieldValueError as error:
            raise BadFileError("{file}: {error}", file=path.name, error=error) from error
        reader = _Reader(rt, places, spool, result)
        try:
            for line in sheet.lines:
                reader.take(line)
            reader.finish()
        except TooManyRowsError:
            raise BadFileError(
                "{file} has more than {max_rows:,} orders: split it", file=path.name, max_rows=MAX_ROWS
            ) from None
    return reader.count


def _chunks(spool: IO[bytes], skip: int) -> Iterator[tuple[_Chunk, int]]:
    """Orders in the file's own order, with how many are done then; the first `skip` are passed over."""
    spool.seek(0)
    done, chunk = skip, []
    for text in islice(spool, skip, None):
        row, phone = orjson.loads(text)
        chunk.append((OrderRow(**row), ImportRow(**phone)))
        if len(chunk) >= CHUNK:
            done += len(chunk)
            yield chunk, done
            chunk = []
    if chunk:
        yield chunk, done + len(chunk)


def _take(session: Session, chunk: _Chunk, now: datetime, *, dry_run: bool) -> tuple[OrderTally, list[OrderRow]]:
    """What became of them, and those of people whom nobody knows."""
    contacts = match_rows(session, [phone for _, phone in chunk], lock=not dry_run)
    known = [row.order_of(contacts[row.line]) for row, _ in chunk if row.line in contacts]
    unknown = [row for row, _ in chunk if row.line not in contacts]
    return upsert_orders(session, known, now, dry_run=dry_run), unknown
