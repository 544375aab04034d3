"""Reads single values of a webhook's JSON, of which any may be missing or of the wrong type."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from models.clock import from_unix
from models.errors import HarkError
from models.events.types import Failure
from models.stored_texts import NO_REASON

MAX_ID = 300
"""Characters of the columns that hold a wamid."""
MAX_TEXT = 1000
MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138
YEARS = range(2009, 2101)


class BadEventError(HarkError, ValueError):
    """A required field is missing or invalid. The error's text holds no content."""


def load_json(raw: bytes) -> Any:
    """Parse JSON, without NUL characters and lone surrogates, which databases refuse. Raises BadEventError if it is no JSON."""
    try:
        body = orjson.loads(raw)
    except ValueError:
        try:
            return _clean(json.loads(raw.decode("utf-8", "replace"), parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            raise BadEventError("the body is no JSON") from None
    return _clean(body) if b"\\u0000" in raw else body


def read_moment(value: Any) -> datetime:
    """Read Meta's time, Unix seconds as a string or a number, into UTC; milliseconds are recognized.

    Raises BadEventError if it is anything else.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return _moment(value)
    raise BadEventError("its time is missing")


@lru_cache(maxsize=4096)  # the items of a batch share a few seconds
def _moment(value: str | int) -> datetime:
    try:
        seconds = int(value)
        moment = from_unix(seconds // 1000 if seconds >= MILLISECONDS_FROM else seconds)
    except (ValueError, OverflowError, OSError):
        raise BadEventError("its time is no Unix time") from None
    if moment.year not in YEARS:
        raise BadEventError("its time is no Unix time")
    return moment


def read_failure(errors: Any) -> Failure:
    """Read the first of a status's errors. Without a code it is None, never 0, which is a code of Meta's own; without code and
    text the text says that Meta gave no reason."""
    first = next((error for error in as_list(errors) if isinstance(error, dict)), {})
    data = first.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    code = first.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code[:9])
    is_code = isinstance(code, int) and not isinstance(code, bool) and 0 < code < 2**31
    text = (
        read_text(details, MAX_TEXT)
        or read_text(first.get("message"), MAX_TEXT)
        or read_text(first.get("title"), MAX_TEXT)
    )
    if not is_code:
        return Failure(None, text or NO_REASON().stored())
    return Failure(code, text or "")


def read_text(value: Any, max_length: int) -> str | None:
    """Return a string, cut to `max_length`, or a number's digits; None if it is empty or of another type."""
    if isinstance(value, str):
        return value[:max_length] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:max_length]
    return None


def as_dict(value: Any) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
