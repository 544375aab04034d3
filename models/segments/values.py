"""Reads the values of a condition as its operator compares them: text, float, whole days, a date's text, or a time in UTC.

A day is the whole day in the business's time zone: before it is before its midnight, after it is after the next one, and between
two days includes both.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from models.segments.operators import (
    DAYS_SINCE,
    MANY,
    MAX_DAYS,
    MAX_MONEY,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_VALUES,
    MOMENTS,
    MONEY,
    NEEDS_VALUE,
    SPANS,
    RuleError,
)
from models.tables.contact import Consent
from models.tables.tag import AttributeType

_CURRENCY = re.compile(r"[A-Z]{3}")
_MOMENT = timedelta(microseconds=1)


def read_values(
    where: str, on: str, op: str, value: Any, zone: tzinfo, kind: AttributeType | None = None
) -> tuple[Any, ...]:
    """Return the values; empty for an operator without any. `kind` is the type of the condition's attribute.

    Raises RuleError if a value has a type that the operator does not compare.
    """
    if op not in NEEDS_VALUE:
        return ()
    if op in MANY or op == "between":
        if not isinstance(value, list) or not value or len(value) > MAX_VALUES or (op == "between" and len(value) != 2):
            shape = "a list of two" if op == "between" else f"a list of 1 to {MAX_VALUES}"
            raise RuleError("{where}: value must be {shape}", where=where, shape=shape)
        items = value
    else:
        items = [value]
    if on in MOMENTS and op not in SPANS:
        values = tuple(_moment(where, item, zone, op == "after" or place > 0) for place, item in enumerate(items))
    else:
        values = tuple(_value(where, on, op, item, kind) for item in items)
    if op == "between" and values[0] > values[1]:
        raise RuleError(
            "{where}: between {given} and {given_2} is nothing; the lower one comes first",
            where=where,
            given=items[0],
            given_2=items[1],
        )
    return values


def read_currency(where: str, value: Any) -> str:
    """Return the currency's code, empty for None. Raises RuleError if it is invalid."""
    if value is None:
        return ""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise RuleError("{where}: currency must be a code such as EUR", where=where)
    return value


def is_storable(value: str | float) -> bool:
    """Return whether both databases can store and compare the value."""
    if isinstance(value, str):
        return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in value)
    return abs(value) <= MAX_NUMBER


def _value(where: str, on: str, op: str, value: Any, kind: AttributeType | None) -> Any:
    if op in SPANS:
        return _days(where, value, 1)
    if on in DAYS_SINCE:
        return _days(where, value, 0)
    if kind is AttributeType.NUMBER or on in MONEY or on == "orders_count":
        max_value = MAX_MONEY if on in MONEY else MAX_NUMBER
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= max_value:
            if on in MONEY:
                raise RuleError(
                    "{where}: value must be a number up to {max_money:.0f}", where=where, max_money=MAX_MONEY
                )
            raise RuleError("{where}: value must be a number", where=where)
        return float(value)
    if kind is AttributeType.DATE:
        return _date(where, value).isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float) or not is_storable(value) or not str(value).strip():
        raise RuleError("{where}: value must be text", where=where)
    if len(str(value)) > MAX_TEXT:
        raise RuleError("{where}: value must be text of at most {max_text} characters", where=where, max_text=MAX_TEXT)
    if on == "consent" and value not in list(Consent):
        raise RuleError(
            "{where}: value {value!r} is not one of {allowed}", where=where, value=value, allowed=", ".join(Consent)
        )
    return str(value)


def _days(where: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_DAYS:
        raise RuleError(
            "{where}: value must be a whole number of days from {least} to {max_days}",
            where=where,
            least=least,
            max_days=MAX_DAYS,
        )
    return value


def _date(where: str, value: Any) -> date:
    try:
        return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(str(value))
    except ValueError:
        raise RuleError(
            "{where}: value {value!r} must be a date such as 2026-11-22", where=where, value=value
        ) from None


def _moment(where: str, value: Any, zone: tzinfo, is_end: bool) -> datetime:
    """Parse a time, or a day: its first moment, or its last if `is_end`. A time without an offset is in `zone`."""
    try:
        parsed = value if isinstance(value, date) else _parse_iso(str(value))
        if isinstance(parsed, datetime):
            return parsed.replace(tzinfo=parsed.tzinfo or zone).astimezone(UTC)
        midnight = datetime.combine(parsed + timedelta(days=is_end), time.min, zone).astimezone(UTC)
        return midnight - _MOMENT if is_end else midnight
    except (ValueError, OverflowError):
        raise RuleError(
            "{where}: value {value!r} must be a date such as 2026-11-22 or a time with its offset",
            where=where,
            value=value,
        ) from None


def _parse_iso(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
