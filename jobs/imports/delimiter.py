"""Detects what separates the columns of a CSV file: a comma, a tab (Excel's "Unicode text"), a semicolon (most of Europe) or a bar.

The row that names the columns decides. If it is not recognised, or holds more than one of them outside of quotes, the first rows
decide, and a comma is preferred.
"""

import csv
import re
from collections.abc import Sequence

from jobs.imports.header_row import is_header
from models.contacts.field_values import PROFILE_FIELDS, RESERVED_COLUMNS
from models.shop.order_row import COLUMNS

COMMA, TAB, SEMICOLON, BAR = ",", "\t", ";", "|"
DELIMITERS = (COMMA, TAB, SEMICOLON, BAR)
"""In order of preference."""
DELIMITER_NAMES = {COMMA: "commas", TAB: "tabs", SEMICOLON: "semicolons", BAR: "vertical bars"}
MAX_ROWS = 20
SEP_LINE = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
"""The line before the header with which Excel is told the delimiter."""
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_COLUMN_NAMES = RESERVED_COLUMNS | set(PROFILE_FIELDS) | set(COLUMNS)


def detect_delimiter(beginning: str, *, is_whole: bool) -> str:
    """The delimiter of a file that starts with this text. `is_whole`: the text is the whole file, so its last row is complete."""
    if sep_line := SEP_LINE.match(beginning):
        return sep_line[1]
    lines = _QUOTED.sub("", beginning).splitlines()[:MAX_ROWS]
    candidates = [separator for separator in DELIMITERS if any(separator in line for line in lines)]
    if len(candidates) < 2:
        return candidates[0] if candidates else COMMA
    return max(candidates, key=lambda separator: _likelihood(_rows(beginning, separator, is_whole=is_whole)))


def _likelihood(rows: Sequence[Sequence[str]]) -> tuple[bool, bool, bool]:
    """Whether it takes the columns' names apart, whether every row below the header is as wide, and whether there are columns.

    The header is the row with a column name of Hark's; titles above it have other widths.
    """
    place = next((place for place, row in enumerate(rows) if is_header(row, _COLUMN_NAMES)), None)
    widest = max(range(len(rows)), key=lambda at: len(rows[at]), default=0)
    table = rows[widest if place is None else place :]
    return place is not None, all(len(row) == len(table[0]) for row in table), bool(table) and len(table[0]) > 1


def _rows(beginning: str, separator: str, *, is_whole: bool) -> list[list[str]]:
    lines = beginning.splitlines(keepends=True)
    if not is_whole and len(lines) > 1:
        lines.pop()  # cut off
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) > MAX_ROWS:
                break
    except csv.Error:
        return rows
    return rows if is_whole or len(rows) == 1 else rows[:-1]
