"""Writes text for spreadsheets, and reads it back: no cell is run as a formula, and Excel knows that a file is UTF-8.

`protect` and `unprotect` are one rule: what was exported comes back as it was, whatever it began with.
"""

import re

BYTE_ORDER_MARK = "\ufeff"
"""At the begin of a CSV file: by it Excel knows UTF-8."""
PROTECTION = "'"
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_PLAIN_NUMBER = re.compile(r"\+[0-9]+")


def protect(text: str) -> str:
    """The text with a leading `'` if a spreadsheet would run it as a formula. Plain numbers such as +34600111222 get none."""
    return f"{PROTECTION}{text}" if _needs_protection(text) else text


def unprotect(cell: str) -> str:
    """The text of which `protect` made the cell; a `'` that is the text's own stays."""
    text = cell.removeprefix(PROTECTION)
    return text if text != cell and _needs_protection(text) else cell


def _needs_protection(text: str) -> bool:
    """Alike for a text and its protected form, so that a text that came with its `'` gets one more, and keeps its own."""
    bare = text.lstrip(PROTECTION)
    return bare.lstrip(" ").startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(bare)
