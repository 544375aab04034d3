"""The rows that an import refused, as a CSV file of their own: as they came, with their lines and reasons, to be mended and
brought again."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from jobs.imports.reader import open_sheet
from models.campaigns.export import csv_cell

LINE, WHY = "refused_line", "refused_why"


def write_refused(path: Path, refused: Iterable[Mapping[str, Any]], onto: Path) -> None:
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


def open_private(path: Path, mode: str) -> IO[Any]:
    """Open for writing what nobody else may read."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))
