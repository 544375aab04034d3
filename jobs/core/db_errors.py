"""What an error of the database says: that it is away, that two were in each other's way, or that the data are at fault."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

RETRYABLE_STATES = frozenset({"40P01", "40001"})
"""PostgreSQL's codes: a deadlock, a serialization failure."""


def is_deadlock(error: BaseException) -> bool:
    """Whether it lost against another transaction, which says nothing about what it was to write."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in RETRYABLE_STATES


def may_be_an_outage(error: BaseException) -> bool:
    """Whether it can be the database's trouble: then the same thing works later."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | OSError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated
