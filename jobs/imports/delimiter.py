"""What separates the columns of a CSV file: a comma, a tab (Excel's "Unicode text") or a semicolon (Excel in most of Europe).

The header tells. Where more than one of them stands in it outside of quotes, the first rows help, and a comma is believed first.
"""

import csv
import re
from collections.abc import Sequence

from models.contacts.field_values import PROFILE_FIELDS, RESERVED_COLUMNS
from models.shop.order_row import COLUMNS

COMMA, TAB, SEMICOLON = ",", "\t", ";"
DELIMITERS = (COMMA, TAB, SEMICOLON)
"""In the order in which they are believed."""
WORDS = {COMMA: "commas", TAB: "tabs", SEMICOLON: "semicolons"}
MAX_ROWS = 20
SAID = re.compile(r'"?sep=([,;\t])"?\r?\n', re.IGNORECASE)
"""The line that Excel itself reads before the header."""
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_KNOWN = RESERVED_COLUMNS | set(PROFILE_FIELDS) | set(COLUMNS)


def detect_delimiter(beginning: str, *, is_whole: bool) -> str:
    """What the file's first few thousand characters say; `is_whole`: there are no more of them."""
    if said := SAID.match(beginning):
        return said[1]
    header = _QUOTED.sub("", beginning).lstrip("\r\n").partition("\n")[0]
    possible = [separator for separator in DELIMITERS if separator in header]
    if len(possible) < 2:
        return possible[0] if possible else COMMA
    return max(possible, key=lambda separator: _likelihood(_rows(beginning, separator, is_whole=is_whole)))


def _likelihood(rows: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Whether the header has a name that we know, and whether the rows have as many cells as it has."""
    header, others = rows[0], rows[1:]
    is_known = any(name.strip().lower() in _KNOWN for name in header)
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
