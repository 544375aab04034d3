"""Finds a cell of tags of which nobody but the operator can say what separates them."""

from itertools import islice
from pathlib import Path

from jobs.imports.reader import NO_CHOICES, SheetChoices, open_sheet
from models.contacts.field_values import FieldValueError
from models.imports.tag_cell import SEPARATORS, read_tags

MAX_LINES = 5_000


def doubtful_cell(path: Path, column: str, choices: SheetChoices = NO_CHOICES) -> str | None:
    """The first cell of the column, of its first lines, that has one tag or several by what separates them; None without one.

    Raises BadFileError if the file cannot be read.
    """
    with open_sheet(path, choices) as sheet:
        if column not in sheet.header.names:
            return None
        place = sheet.header.names.index(column)
        cells = (line.cells[place] for line in islice(sheet.lines, MAX_LINES) if place < len(line.cells))
        return next((cell.strip() for cell in cells if "," in cell or "|" in cell), None)


def tag_readings(cell: str) -> dict[str, list[str]]:
    """The tags of the cell by each separator that makes others of it; "" is the reading without one."""
    readings: dict[str, list[str]] = {}
    for separator in ("", *SEPARATORS):
        try:
            tags = read_tags(cell, separator)
        except FieldValueError:
            continue
        names = [name if value is None else f"{name} = {value}" for name, value in tags.items()]
        if names not in readings.values():
            readings[separator] = names
    return readings
