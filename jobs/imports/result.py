"""Holds the result of an import, runs a file chunk by chunk, and writes the CSV of rejected rows."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.imports.header import REJECT_COLUMNS
from jobs.imports.reader import NO_CHOICES, SheetChoices, open_sheet
from models.files import open_private
from models.imports.diff import MAX_TOLD
from models.imports.upsert import STAYS_OUT
from models.spreadsheets import BYTE_ORDER_MARK, protect, unprotect

TRIES = 3
MAX_REFUSALS = 100_000
"""Refused lines beyond this number are counted, not listed."""

Progress = Callable[[int, int], None]
"""Called with the number of rows (or orders) that are done, and of all."""
IsOver = Callable[[], bool]
"""Whether to stop after the current chunk. An import that is called again with `skip=result.done` continues there."""
T = TypeVar("T")


@dataclass(slots=True)
class ImportResult:
    """What an import did, or in a dry run would do."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    """`{"line", "reason"}` in the order of the file."""
    refused_total: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    """`{"line", "what"}` of the first lines that change something, in a dry run."""
    warnings: list[dict[str, Any]] = field(default_factory=list)
    """`{"line", "column", "reason"}` of cells that were left out of rows that are imported; the first `MAX_REFUSALS`."""
    warnings_total: int = 0
    encoding: str | None = None
    """How the text of a CSV file was read; None for a spreadsheet."""
    sheet: str | None = None
    """The sheet of a workbook that was read; None for a CSV file."""
    header_row: int = 0
    """The line or row that names the columns; 0 if the file has no header."""
    done: int = 0
    """Rows (or orders) that were imported or skipped; equal to `total` once the whole file is done."""
    total: int = 0

    def to_json(self) -> dict[str, Any]:
        """The summary that the command line prints."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "warnings": self.warnings,
            "encoding": self.encoding,
            "sheet": self.sheet,
            "header_row": self.header_row,
        }

    def refuse(self, line: int, reason: str) -> None:
        """Record a line that is not imported."""
        self.refused_total += 1
        if len(self.refused) < MAX_REFUSALS:
            self.refused.append({"line": line, "reason": reason})

    def warn(self, line: int, column: str, reason: str) -> None:
        """Record a cell that is left out of a row that is imported."""
        self.warnings_total += 1
        if len(self.warnings) < MAX_REFUSALS:
            self.warnings.append({"line": line, "column": column, "reason": reason})

    def add_change(self, line: int, what: str) -> None:
        """Record what a line would change; only the first `MAX_TOLD` are kept."""
        if len(self.changes) < MAX_TOLD:
            self.changes.append({"line": line, "what": what})

    def add(self, created: int, updated: int, unchanged: int) -> None:
        """Add the counts of a chunk."""
        self.created += created
        self.updated += updated
        self.unchanged += unchanged

    def finish(self, done: int) -> "ImportResult":
        """Set `done` and sort the refused lines by line number."""
        self.done = done
        self.refused.sort(key=lambda refusal: int(refusal["line"]))
        return self


def run_chunks(
    chunks: Iterable[tuple[T, int]],
    import_chunk: Callable[[T], None],
    result: ImportResult,
    progress: Progress | None,
    is_over: IsOver | None,
) -> ImportResult:
    """Import chunks until they end or `is_over` returns True.

    Each chunk comes with the number of rows that are done once it is imported.
    """
    done = 0
    for chunk, done_after in chunks:
        import_chunk(chunk)
        done = done_after
        if progress is not None:
            progress(done, result.total)
        if is_over is not None and is_over():
            return result.finish(done)
    return result.finish(result.total)


def in_transaction(rt: Runtime, work: Callable[[Session], T], *, dry_run: bool) -> T:
    """Run `work` in one transaction, read-only in a dry run; up to `TRIES` times if another process interferes.

    Raises IntegrityError or OperationalError if the last try fails too.
    """

    @retry_conflicts
    def once() -> T:
        with rt.database.read() if dry_run else rt.database.write() as session:
            return work(session)

    tries = 1
    while True:
        try:
            return once()
        except (IntegrityError, OperationalError):
            if tries == TRIES:
                raise
            tries += 1


def write_rejects(
    path: Path, refused: Iterable[Mapping[str, Any]], onto: Path, choices: SheetChoices = NO_CHOICES
) -> None:
    """Write the refused rows of the file at `path` with their line and reason as a CSV that only its owner can read.

    It is UTF-8 with the mark by which Excel knows it. Columns have the names of the file, so that importing it reads them alike.
    `refused`: `{"line", "reason"}` of lines of that file.
    """
    reasons: dict[int, str] = {}
    for refusal in refused:
        reasons.setdefault(refusal["line"], refusal["reason"])
    with (
        open_sheet(path, choices) as sheet,
        open_private(onto, "wb") as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as file,
    ):
        file.write(BYTE_ORDER_MARK)
        out = csv.writer(file, lineterminator="\r\n")
        out.writerow([*REJECT_COLUMNS, *map(protect, sheet.header.given)])
        for line in sheet.lines if reasons else ():
            reason = reasons.get(line.number)
            if reason is not None:
                # A cell that came protected is protected once. Of a redacted person nothing but the line is written.
                cells = line.cells if reason != STAYS_OUT else ()
                out.writerow([line.number, protect(reason), *(protect(unprotect(cell)) for cell in cells)])
