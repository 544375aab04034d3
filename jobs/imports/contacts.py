"""Imports contacts from a file: reads and checks the whole file first, then writes it chunk by chunk.

An import that died is simply started again: rows that it already wrote count as unchanged.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.imports.reader import NO_CHOICES, SheetChoices
from jobs.imports.result import ImportResult, IsOver, Progress, in_transaction, run_chunks
from jobs.imports.staging import StagingFile, stage_rows
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
    consents: Mapping[str, str] | None = None,
    country: str | None = None,
    tag_separator: str = "",
    choices: SheetChoices = NO_CHOICES,
    skip: int = 0,
    is_over: IsOver | None = None,
) -> ImportResult:
    """Import a CSV or XLSX file of the public format; a dry run returns the same result and changes nothing.

    `columns` renames the file's columns (`{"Teléfono": "phone", "Notes": ""}`; an empty name leaves one out). `source`: where the
    people agreed, for rows without a `consent_source`. `consents`: what the file's words mean (`{"yes": "subscribed"}`, in lower
    case; an empty one leaves the consent as it was). `country`: of national numbers, instead of the house's. `tag_separator`: of
    `tag_cell.SEPARATORS`; else each cell tells it.

    An import that continues at `skip` does not repeat what was refused while reading; a bad row is in the result, and a bad cell
    beside the phone is in its warnings. Raises BadFileError if nothing of the file can be imported.
    """
    path = Path(path)
    result = ImportResult()
    now = utcnow()
    origin = Origin(path.name[:200], actor, rt.vault)
    with tempfile.TemporaryFile() as file:
        staging = StagingFile(file)
        read_result = ImportResult() if skip else result
        mapped = stage_rows(
            rt,
            path,
            columns,
            staging,
            read_result,
            source=source,
            consents=consents,
            country=country,
            tag_separator=tag_separator,
            choices=choices,
        )
        result.total, result.encoding = read_result.total, read_result.encoding
        result.sheet, result.header_row = read_result.sheet, read_result.header_row
        if not dry_run and staging.count:
            with rt.database.write() as session:
                define_attributes(session, mapped.attributes, now)

        def import_chunk(chunk: tuple[list[ImportRow], int]) -> None:
            rows, lines = chunk

            def upsert(session: Session) -> tuple[UpsertTally, float]:
                began = time.monotonic()
                return upsert_rows(session, rows, now, origin, dry_run=dry_run), time.monotonic() - began

            tally, seconds = in_transaction(rt, upsert, dry_run=dry_run)
            if not dry_run:
                staging.adapt(len(rows), seconds)
            # Further lines of a person were combined into the first one.
            result.add(tally.created, tally.updated, tally.unchanged + lines - len(rows))
            for line, reason in tally.refused:
                result.refuse(line, reason)
            for line, change in tally.told:
                result.add_change(line, change)

        return run_chunks(staging.chunks(skip), import_chunk, result, progress, is_over)
