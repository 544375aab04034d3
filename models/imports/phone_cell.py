"""Takes off a number what other programs and spreadsheets add to it, before it is read as a phone."""

import re

from models.contacts.field_values import FieldValueError

_PHONE_PREFIX = re.compile(r"(?:p|tel|whatsapp|wa) ?: ?(?=[+0-9(])", re.IGNORECASE)
"""What Meta's lead forms and others write before a number."""
_ROUNDED = re.compile(r"\+?([0-9])(?:[.,]([0-9]+))?E\+?([0-9]{1,2})", re.IGNORECASE)


def without_additions(phone: str) -> str:
    """The number without what other programs add. Raises FieldValueError if a spreadsheet rounded it."""
    text = _PHONE_PREFIX.sub("", phone, count=1) if phone[:1].isalpha() else phone
    rounded = _ROUNDED.fullmatch(text)
    if rounded is None:
        return text
    first, decimals, exponent = rounded[1], rounded[2] or "", int(rounded[3])
    if len(decimals) != exponent:
        raise FieldValueError("{phone!r} was rounded by a spreadsheet: format the column as text", phone=phone[:40])
    return f"+{first}{decimals}" if phone.startswith("+") else first + decimals
