"""Reading single values of a webhook, whatever Meta or a forger put there."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from models.clock import from_unix
from models.errors import HarkError
from models.events.types import Failure

MAX_ID = 300
"""Characters of the columns that hold a wamid."""
MAX_TEXT = 1000
MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138
YEARS = range(2009, 2101)


class BadEventError(HarkError, ValueError):
    """Something that every item of its kind has is missing or nonsense; the message holds no content."""


def load_json(raw: bytes) -> Any:
    """The JSON, without what no database takes: NUL characters and halves of surrogate pairs. BadEventError."""
    try:
        body = orjson.loads(raw)
    except ValueError:
        try:
            return _clean(json.loads(raw.decode("utf-8", "replace"), parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            raise BadEventError("the body is no JSON") from None
    return _clean(body) if b"\\u0000" in raw else body


def read_moment(value: Any) -> datetime:
    """Meta's time: Unix seconds as a string or a number. BadEventError for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return _moment(value)
    raise BadEventError("its time is missing")


@lru_cache(maxsize=4096)  # what comes at once happened at the same few seconds
def _moment(value: str | int) -> datetime:
    try:
        seconds = int(value)
        found = from_unix(seconds // 1000 if seconds >= MILLISECONDS_FROM else seconds)
    except (ValueError, OverflowError, OSError):
        raise BadEventError("its time is no Unix time") from None
    if found.year not in YEARS:
        raise BadEventError("its time is no Unix time")
    return found


def read_failure(errors: Any) -> Failure:
    """The first error; code 0 where there is none to read."""
    first = next((error for error in as_list(errors) if isinstance(error, dict)), {})
    data = first.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    code = first.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code[:9])
    is_code = isinstance(code, int) and 0 <= code < 2**31
    said = (
        read_text(details, MAX_TEXT)
        or read_text(first.get("message"), MAX_TEXT)
        or read_text(first.get("title"), MAX_TEXT)
    )
    return Failure(int(code) if is_code and code is not None else 0, said or "")


def read_text(value: Any, most: int) -> str | None:
    """A string that is not empty, cut to what its column holds; a number as its digits."""
    if isinstance(value, str):
        return value[:most] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:most]
    return None


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
