"""Classifies database errors: a conflict with another transaction, a possible outage, or (neither) a fault of the data."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

RETRYABLE_STATES = frozenset({"40P01", "40001"})
"""PostgreSQL's codes: a deadlock, a serialization failure."""
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_deadlock(error: BaseException) -> bool:
    """Whether the transaction was rolled back for another one. The same write can succeed on the next attempt."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in RETRYABLE_STATES


def is_conflict(error: BaseException) -> bool:
    """Whether the transaction was rolled back, or could not begin, because of another one: a deadlock, or SQLite's lock."""
    return is_deadlock(error) or (isinstance(error, DBAPIError) and _sqlite_code(error.orig) in _BUSY)


def _sqlite_code(error: BaseException | None) -> int | None:
    """SQLite's primary result code; None for an error of another kind."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def may_be_an_outage(error: BaseException) -> bool:
    """Whether the database may be unreachable or overloaded: the same write can succeed later."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | OSError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated
