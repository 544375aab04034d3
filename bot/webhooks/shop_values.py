"""Reads single values of what a shop says: phones with their country, tags, consent, times. What is not valid is left out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.webhooks.parse_values import read_text
from models.contacts.field_values import FieldValueError, read_name, read_profile_value
from models.contacts.phone import NotAPhoneError, is_country, read_phone
from models.events.shop_types import ConsentChannel, ShopConsent, ShopPhone
from models.tables.shop import PhoneReason

MAX_ID = 64
MAX_TAGS = 100
MAX_RAW = 64
GID = "gid://shopify/Customer/"

Candidate = tuple[Any, Any]
"""A phone as the shop has it, and the country (ISO) of the address in which it stands."""


def read_customer_phone(
    candidates: Iterable[Candidate], default_country: str | None, *, is_of_order: bool = False
) -> ShopPhone:
    """Read the first candidate that can be written to, completed by its own country, else by `default_country`.

    Where there is none, the reason is that of the first candidate that is not empty.
    """
    problem: ShopPhone | None = None
    for raw, country in candidates:
        if not isinstance(raw, str) or not raw.strip():
            continue
        code = country.upper() if isinstance(country, str) else ""
        phone = _read(raw.strip(), code if is_country(code) else default_country)
        if phone.e164 is not None:
            return ShopPhone(phone.e164, is_of_order=is_of_order)
        problem = problem or phone
    return problem or ShopPhone(reason=PhoneReason.NO_PHONE)


def read_customer_id(value: Any) -> str | None:
    """Return the digits of an id, which may come as a number, as text or as a GraphQL id; None if it is none."""
    text = (read_text(value, MAX_ID + len(GID)) or "").removeprefix(GID)
    return text[:MAX_ID] or None


def read_tags(names: Iterable[Any]) -> tuple[str, ...]:
    """Return the names, without those that cannot be a tag."""
    tags = []
    for name in list(names)[:MAX_TAGS]:
        try:
            tags.append(read_name(name if isinstance(name, str) else "", "a tag"))
        except FieldValueError:
            continue
    return tuple(dict.fromkeys(tags))


def read_consent(channel: ConsentChannel, state: Any, level: Any, at: Any, source: Any) -> ShopConsent | None:
    """Return a consent; None where there is no state. GraphQL writes words in upper case, webhooks in lower case."""
    word = read_text(state, 40)
    if word is None:
        return None
    is_confirmed = isinstance(level, str) and level.lower() == "confirmed_opt_in"
    return ShopConsent(channel, word.lower(), is_confirmed, read_time(at), (read_text(source, 60) or "").lower())


def read_fields(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a contact that have a value which the field can hold."""
    fields = {name: _profile_value(name, value) for name, value in values.items()}
    return {name: value for name, value in fields.items() if value}


def read_time(value: Any) -> datetime | None:
    """Parse an ISO 8601 time with an offset, into UTC; None if it is anything else."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed.astimezone(UTC) if parsed is not None and parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _read(raw: str, country: str | None) -> ShopPhone:
    try:
        phone = read_phone(raw, country)
    except NotAPhoneError:
        return ShopPhone(raw=raw[:MAX_RAW], reason=PhoneReason.NOT_A_NUMBER)
    if phone.problem is not None:
        return ShopPhone(raw=raw[:MAX_RAW], reason=PhoneReason(phone.problem))
    return ShopPhone(phone.e164)


def _profile_value(name: str, value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        return read_profile_value(name, value)
    except FieldValueError:
        return None
