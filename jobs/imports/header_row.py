"""Finds the row that names the columns: titles and empty rows may stand above it, and some files have none."""

import re
from collections.abc import Collection, Sequence

from jobs.imports.header import PHONE_NAMES, fold_name

MAX_HEADER_ROWS = 30
"""Rows that are not empty, among which the header is looked for."""
_NUMBER = re.compile(r"'?(?:\+|00)?[0-9][0-9 ().\xa0/-]{6,24}")
_MIN_DIGITS = 9
_NOT_DIGITS = re.compile(r"[^0-9]")


def find_header(rows: Sequence[Sequence[str]], known_names: Collection[str]) -> int | None:
    """The place of the header among the first rows of a table, none of which is empty; None if the table has no header.

    It is the row that names a column of phones or one of `known_names` (in lower case), above the first phone; else the first row
    above it that is about as wide.
    """
    first_phone = next((place for place, cells in enumerate(rows) if any(map(looks_like_phone, cells))), len(rows))
    above = rows[:first_phone]
    for place, cells in enumerate(above):
        if is_header(cells, known_names):
            return place
    if not above:
        return None if rows else 0
    wanted = _filled(rows[first_phone]) if first_phone < len(rows) else max(map(_filled, above))
    return next((place for place, cells in enumerate(above) if _filled(cells) * 2 > wanted), len(above) - 1)


def is_header(cells: Sequence[str], known_names: Collection[str]) -> bool:
    """Whether one of the cells names a column of phones, or is one of `known_names`."""
    return any(cell.strip().lower() in known_names or fold_name(cell) in PHONE_NAMES for cell in cells if cell)


def looks_like_phone(cell: str) -> bool:
    """Whether the cell is a phone number, and no date."""
    text = cell.strip()
    if not _NUMBER.fullmatch(text):
        return False
    return len(_NOT_DIGITS.sub("", text)) >= _MIN_DIGITS or text.lstrip("'").startswith("+")


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())
