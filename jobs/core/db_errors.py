"""Classifies database errors: a deadlock, a possible outage, or (neither) a fault of the data."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

RETRYABLE_STATES = frozenset({"40P01", "40001"})
"""PostgreSQL's codes: a deadlock, a serialization failure."""


def is_deadlock(error: BaseException) -> bool:
    """Whether the transaction was rolled back for another one. The same write can succeed on the next attempt."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in RETRYABLE_STATES


def may_be_an_outage(error: BaseException) -> bool:
    """Whether the database may be unreachable or overloaded: the same write can succeed later."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | OSError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated
