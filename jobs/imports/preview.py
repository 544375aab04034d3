"""Looks at the beginning of a file before anybody says what its columns are."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from jobs.imports.header import Header
from jobs.imports.reader import NO_CHOICES, SheetChoices, SourceLine, open_sheet

FIRST_LINES = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file: its columns, its first rows, and how it was read (as in `Sheet`)."""

    header: Header
    rows: list[list[str]]
    header_row: int
    separator: str | None
    encoding: str | None
    sheet: str | None
    sheets: tuple[str, ...]


def preview(path: Path | str, rows: int = 5, choices: SheetChoices = NO_CHOICES) -> Preview:
    """Read the first rows of a file.

    Raises UnclearEncodingError if its encoding is not certain, and BadFileError if it cannot be read.
    """
    with open_sheet(Path(path), choices) as sheet:
        first_rows = [line.cells for line in islice(sheet.lines, rows)]
        return Preview(
            sheet.header, first_rows, sheet.header_row, sheet.separator, sheet.encoding, sheet.title, sheet.titles
        )


def first_lines(path: Path | str, choices: SheetChoices = NO_CHOICES) -> list[SourceLine]:
    """The first lines of a file that are not empty: one of them names the columns. Raises as `preview` does."""
    with open_sheet(Path(path), replace(choices, header_row=0)) as sheet:
        return list(islice(sheet.lines, FIRST_LINES))
