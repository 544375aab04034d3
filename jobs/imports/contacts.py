"""Importing contacts from a file: the whole of it is read and checked first, then taken in chunk by chunk.

A run that died is simply started again: what it took in comes out as unchanged.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.imports.reader import open_sheet
from jobs.imports.result import ImportResult, IsOver, Progress, in_transaction, run_chunks
from jobs.imports.staging import StagingFile, read_staged_people
from models.clock import utcnow
from models.contacts.tagging import define_attributes
from models.imports.contact_row import ImportRow
from models.imports.upsert import Origin, UpsertTally, upsert_rows


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
    is_over: IsOver | None = None,
) -> ImportResult:
    """Import a CSV or XLSX file of the public format; a dry run says the same and changes nothing.

    `columns` renames the file's columns (`{"Teléfono": "phone", "Notes": ""}`; an empty name leaves one out). `source` is where
    the people agreed, for rows that do not say. What goes on at `skip` says nothing more of the lines that were refused while
    reading. BadFile (a ValueError, one line) where nothing of the file can be taken; a bad row is in the result.
    """
    path = Path(path)
    result = ImportResult()
    now = utcnow()
    origin = Origin(path.name[:200], actor, rt.vault)
    with tempfile.TemporaryFile() as file:
        spool = StagingFile(file)
        read = ImportResult() if skip else result
        meaning = read_staged_people(rt, path, columns, spool, read, source=source)
        result.total = read.total
        if not dry_run and spool.count:
            with rt.database.write() as session:
                define_attributes(session, meaning.attributes, now)

        def take(chunk: tuple[list[ImportRow], int]) -> None:
            rows, lines = chunk

            def work(session: Session) -> tuple[UpsertTally, float]:
                began = time.monotonic()
                return upsert_rows(session, rows, now, origin, dry_run=dry_run), time.monotonic() - began

            tally, seconds = in_transaction(rt, work, dry_run=dry_run)
            if not dry_run:
                spool.adapt(len(rows), seconds)
            # Further lines of a person are in the first one's.
            result.add(tally.created, tally.updated, tally.unchanged + lines - len(rows))
            for line, reason in tally.refused:
                result.refuse(line, reason)
            for line, what in tally.told:
                result.tell(line, what)

        return run_chunks(spool.chunks(skip), take, result, progress, is_over)


def preview(path: Path | str, rows: int = 5) -> tuple[list[str], list[list[str]], str | None]:
    """The names of a file's columns, its first rows and what separates its columns, for the page on which they are mapped."""
    with open_sheet(Path(path)) as sheet:
        first = [line.cells for line, _ in zip(sheet.lines, range(rows), strict=False)]
        return sheet.header, first, sheet.separator
