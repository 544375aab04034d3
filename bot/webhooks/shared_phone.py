"""Reads the number that a person shared when they were asked for it (docs/meta.md §7.6)."""

from typing import Any

from bot.webhooks.parse_values import as_dict, as_list, read_text
from models.contacts.phone import NotAPhoneError, read_phone

CONTACT_REQUEST = "contact_request"
MAX_PHONE = 60


def read_shared_wa_id(item: dict[str, Any], bsuid: str | None) -> str | None:
    """The sender's number, digits with the calling code; None if the message shares none.

    A contact that was passed on by hand may be anybody's, and so may one of several numbers. `bsuid` begins with the sender's
    country, which tells whether a number without a plus has its calling code.
    """
    cards = [as_dict(card) for card in as_list(item.get("contacts"))] if item.get("type") == "contacts" else []
    if len(cards) != 1 or (cards[0].get("origin") or item.get("origin")) != CONTACT_REQUEST:
        return None
    phones = [as_dict(phone) for phone in as_list(cards[0].get("phones"))]
    numbers = {_digits(phone.get("wa_id")) or _certain_digits(phone.get("phone"), bsuid) for phone in phones}
    return numbers.pop() if len(numbers) == 1 else None


def _digits(value: Any) -> str | None:
    text = (read_text(value, MAX_PHONE) or "").removeprefix("+")
    return text if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _certain_digits(value: Any, bsuid: str | None) -> str | None:
    """The number with its calling code, if it is written with a plus or lies in the country of the user id."""
    text = (read_text(value, MAX_PHONE) or "").strip()
    try:
        phone = read_phone(text if text.startswith("+") else f"+{text}", None)
    except NotAPhoneError:
        return None
    is_certain = text.startswith("+") or (bsuid is not None and phone.country == bsuid.partition(".")[0])
    return phone.e164.removeprefix("+") if phone.e164 and is_certain else None
