"""Checks and normalises values of contact fields: the profile fields, and custom attributes by their type."""

import re
import zoneinfo
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from models.contacts.phone import is_country
from models.errors import OperatorError
from models.tables.tag import AttributeType

MAX_CHARACTERS = 2000
RESERVED_COLUMNS = frozenset({"phone", "phone_if_empty", "consent", "consent_source", "tags"})
MAX_NAME_CHARACTERS = 100
Value = str | int | float

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\"\\\ud800-\udfff]")
_NUL = re.compile(r"[\x00\ud800-\udfff]")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class FieldValueError(OperatorError):
    """A field cannot hold the value. The message is one sentence."""


def read_name(text: str, what: str) -> str:
    """Return the trimmed name of a tag, an attribute or a list.

    Raises FieldValueError if it is empty, too long or has a character that is not allowed.
    """
    name = text.strip()
    if not name:
        raise FieldValueError("{what} has no name", what=what)
    if len(name) > MAX_NAME_CHARACTERS:
        raise FieldValueError(
            "{what} {name!r}… is {count} characters long; at most {max_name_characters} are allowed",
            what=what,
            name=name[:20],
            count=len(name),
            max_name_characters=MAX_NAME_CHARACTERS,
        )
    if _UNPRINTABLE.search(name) or "=" in name or ";" in name:
        raise FieldValueError(
            '{what} {name!r} holds a character that is not allowed (= ; " \\ or an unprintable one)',
            what=what,
            name=name,
        )
    return name


def read_text(text: str, most: int, what: str) -> str:
    """Return trimmed text. Raises FieldValueError if it has more than `most` characters or holds NUL or a surrogate."""
    text = text.strip()
    if len(text) > most:
        raise FieldValueError(
            "{what} is {count} characters long; at most {most} are allowed", what=what, count=len(text), most=most
        )
    if _NUL.search(text):
        raise FieldValueError("{what} holds a character that is no text", what=what)
    return text


def read_value(kind: AttributeType, text: str, what: str) -> Value:
    """Return an attribute's value as it is stored: numbers as numbers; dates (ISO) and true/false as text.

    Raises FieldValueError if the text is no value of this type.
    """
    text = read_text(text, MAX_CHARACTERS, what)
    return _READERS[kind](text, what)


def read_profile_value(name: str, text: str) -> str:
    """Return the value for one of PROFILE_FIELDS as its column stores it.

    Raises FieldValueError if the field cannot hold it, and KeyError if the name is no profile field.
    """
    return PROFILE_FIELDS[name](text)


def _number(text: str, what: str) -> Value:
    if not _NUMBER.fullmatch(text):
        raise FieldValueError("{what} is {text!r}, no number such as 12 or 3.5", what=what, text=text[:40])
    number = float(text)
    return int(number) if number.is_integer() else number


def _date(text: str, what: str) -> Value:
    try:
        return (datetime.fromisoformat(text).date() if len(text) > 10 else date.fromisoformat(text)).isoformat()
    except ValueError:
        raise FieldValueError("{what} is {text!r}, no date such as 2026-03-21", what=what, text=text[:40]) from None


def _boolean(text: str, what: str) -> Value:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise FieldValueError("{what} is {text!r}; allowed are true and false", what=what, text=text[:40])
    return "true" if word in _TRUE else "false"


def _language(text: str) -> str:
    text = text.strip()
    if not _LANGUAGE.fullmatch(text) or len(text) > 16:
        raise FieldValueError("language {text!r} is no language code such as en or pt_BR", text=text[:40])
    return text


def _country(text: str) -> str:
    code = text.strip().upper()
    if not is_country(code):
        raise FieldValueError("country {text!r} is no country code such as ES", text=text[:40])
    return code


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _time_zone(text: str) -> str:
    zone = text.strip()
    if zone not in _zones():
        raise FieldValueError("time_zone {text!r} is no time zone such as Europe/Madrid", text=text[:40])
    return zone


def _text_of(what: str, most: int) -> Callable[[str], str]:
    return lambda text: read_text(text, most, what)


_READERS: dict[AttributeType, Callable[[str, str], Value]] = {
    AttributeType.TEXT: lambda text, _what: text,
    AttributeType.NUMBER: _number,
    AttributeType.DATE: _date,
    AttributeType.BOOLEAN: _boolean,
}

PROFILE_FIELDS: dict[str, Callable[[str], str]] = {
    "name": _text_of("name", 300),
    "first_name": _text_of("first_name", 150),
    "last_name": _text_of("last_name", 150),
    "email": _text_of("email", 254),
    "username": _text_of("username", 100),
    "language": _language,
    "country": _country,
    "time_zone": _time_zone,
}
"""Fields that are columns of the contact → their readers. Every other name is a custom attribute."""

CONTACT_FIELDS = (*PROFILE_FIELDS, "phone")
"""What rules, variables and texts may name of every contact: the profile fields, and the phone, which is written in its own way."""
