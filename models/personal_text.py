"""Masks what identifies a person in a text: phone numbers, e-mail addresses and WhatsApp user ids.

Names of people cannot be told from other words; whoever writes texts that outlive a person writes no names.
"""

import re
from typing import Any

MASKED = "…"
"""Replaces an identifier of a person."""
_MOMENT = r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w.-])"
_E_MAIL = r"[^\s@,;<>\"']{1,64}@[^\s@,;<>\"']{1,255}"
_USER_ID = r"\b[A-Z]{2}\.[A-Za-z0-9.]{4,}"  # a business-scoped user id (docs/meta.md §7.9)
_NUMBER = r"\+?\d(?:[\s().,/_\-]*\d){6,}"  # shorter ones occur anywhere, and a redaction looks for none of them
_CUT_NUMBER = r"\+?\d*…\d+|\d+…"  # a phone number as `mask_phone` shows it
_IDENTIFIER = re.compile(f"(?P<moment>{_MOMENT})|{_E_MAIL}|{_USER_ID}|{_NUMBER}|{_CUT_NUMBER}")
_NOT_E_MAIL = re.compile(f"(?P<moment>{_MOMENT})|{_NUMBER}|{_CUT_NUMBER}")


def mask_people(data: Any, *, keep_e_mails: bool = False) -> Any:
    """Return the JSON with identifiers of people masked in its texts; times in ISO form stay.

    `keep_e_mails` is for texts that can only hold addresses of the panel's own users.
    """
    if isinstance(data, dict):
        return {
            mask_people(key, keep_e_mails=keep_e_mails): mask_people(value, keep_e_mails=keep_e_mails)
            for key, value in data.items()
        }
    if isinstance(data, list | tuple):
        return [mask_people(value, keep_e_mails=keep_e_mails) for value in data]
    if not isinstance(data, str):
        return data
    pattern = _NOT_E_MAIL if keep_e_mails else _IDENTIFIER
    return pattern.sub(lambda match: match[0] if match["moment"] else MASKED, data)
