"""What came of a file, or in a dry run would come of it; and how a file is gone through, chunk by chunk."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.imports.reader import open_sheet
from models.campaigns.export import csv_cell
from models.files import open_private
from models.imports.diff import MAX_TOLD

TRIES = 3
MAX_REFUSALS = 100_000
"""Lines refused beyond this are counted, not listed."""

Progress = Callable[[int, int], None]
"""Called with the rows (or orders) that are done, and all there are."""
IsOver = Callable[[], bool]
"""Whether to end after the chunk at hand; called again with what was `done` as `skip` an import goes on there."""
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
    told: list[dict[str, Any]] = field(default_factory=list)
    """`{"line", "what"}`: what would change on the first lines that a dry run would change."""
    done: int = 0
    """What was taken or passed over, of `total`; as many where the file was done to its end."""
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
        if len(self.refused) < MAX_REFUSALS:
            self.refused.append({"line": line, "reason": reason})

    def tell(self, line: int, what: str) -> None:
        """Note what a line would change, if it is one of the first."""
        if len(self.told) < MAX_TOLD:
            self.told.append({"line": line, "what": what})

    def add(self, created: int, updated: int, unchanged: int) -> None:
        """Count a chunk."""
        self.created += created
        self.updated += updated
        self.unchanged += unchanged

    def finish(self, done: int) -> "ImportResult":
        """It ends here."""
        self.done = done
        self.refused.sort(key=lambda refusal: int(refusal["line"]))
        return self


def run_chunks(
    chunks: Iterable[tuple[T, int]],
    take: Callable[[T], None],
    result: ImportResult,
    progress: Progress | None,
    is_over: IsOver | None,
) -> ImportResult:
    """Take chunks, each of which comes with how much of the whole is done once it is taken, until it is over."""
    done = 0
    for chunk, reached in chunks:
        take(chunk)
        done = reached
        if progress is not None:
            progress(done, result.total)
        if is_over is not None and is_over():
            return result.finish(done)
    return result.finish(result.total)


def in_transaction(rt: Runtime, work: Callable[[Session], T], *, dry_run: bool) -> T:
    """A chunk in one transaction, again where another process was in its way."""
    tries = 1
    while True:
        try:
            with rt.database.read() if dry_run else rt.database.write() as session:
                return work(session)
        except (IntegrityError, OperationalError):
            if tries == TRIES:
                raise
            tries += 1


LINE, WHY = "refused_line", "refused_why"


def write_rejects(path: Path, refused: Iterable[Mapping[str, Any]], onto: Path) -> None:
    """Write it, for nobody else to read. `refused`: `{"line", "reason"}` of the file at `path`."""
    reasons: dict[int, str] = {}
    for refusal in refused:
        reasons.setdefault(refusal["line"], refusal["reason"])
    with (
        open_sheet(path) as sheet,
        open_private(onto, "wb") as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as file,
    ):
        out = csv.writer(file, lineterminator="\r\n")
        out.writerow([LINE, WHY, *map(csv_cell, sheet.header)])
        for line in sheet.lines if reasons else ():
            reason = reasons.get(line.number)
            if reason is not None:
                out.writerow([line.number, csv_cell(reason), *map(csv_cell, line.cells)])
