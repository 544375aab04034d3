"""Recognises the error of a number that no column can hold: whoever asked for it asked for something that is not there."""

from sqlalchemy.exc import DataError

_NUMERIC_VALUE_OUT_OF_RANGE = "22003"


def is_out_of_range(error: BaseException) -> bool:
    """Whether an id or another number was beyond what SQLite (64 bits) or the column in PostgreSQL can hold."""
    if isinstance(error, OverflowError):
        return "SQLite" in str(error)
    return isinstance(error, DataError) and getattr(error.orig, "sqlstate", None) == _NUMERIC_VALUE_OUT_OF_RANGE
