"""Detects what separates the columns of a CSV file: a comma, a tab (Excel's "Unicode text") or a semicolon (most of Europe).

The header decides. If it holds more than one of them outside of quotes, the first rows decide, and a comma is preferred.
"""

import csv
import re
from collections.abc import Sequence

from models.contacts.field_values import PROFILE_FIELDS, RESERVED_COLUMNS
from models.shop.order_row import COLUMNS

COMMA, TAB, SEMICOLON = ",", "\t", ";"
DELIMITERS = (COMMA, TAB, SEMICOLON)
"""In order of preference."""
DELIMITER_NAMES = {COMMA: "commas", TAB: "tabs", SEMICOLON: "semicolons"}
MAX_ROWS = 20
SEP_LINE = re.compile(r'"?sep=([,;\t])"?\r?\n', re.IGNORECASE)
"""The line before the header with which Excel is told the delimiter."""
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_COLUMN_NAMES = RESERVED_COLUMNS | set(PROFILE_FIELDS) | set(COLUMNS)


def detect_delimiter(beginning: str, *, is_whole: bool) -> str:
    """The delimiter of a file that starts with this text. `is_whole`: the text is the whole file, so its last row is complete."""
    if sep_line := SEP_LINE.match(beginning):
        return sep_line[1]
    header = _QUOTED.sub("", beginning).lstrip("\r\n").partition("\n")[0]
    candidates = [separator for separator in DELIMITERS if separator in header]
    if len(candidates) < 2:
        return candidates[0] if candidates else COMMA
    return max(candidates, key=lambda separator: _likelihood(_rows(beginning, separator, is_whole=is_whole)))


def _likelihood(rows: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Whether the header has a column name of Hark's, and whether every row has as many cells as the header."""
    header, others = rows[0], rows[1:]
    is_known = any(name.strip().lower() in _COLUMN_NAMES for name in header)
    return is_known, all(len(row) == len(header) for row in others)


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
