"""Classifies database errors: a deadlock, a possible outage, or (neither) a fault of the data. Tries again after a deadlock."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from models.db.engine import Database

T = TypeVar("T")
TRIES = 8

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


def write_despite_deadlocks(database: Database, act: Callable[[Session], T]) -> T:
    """Run `act` in a write transaction; one that was rolled back for another one is tried again, a few times."""
    for tries in range(1, TRIES + 1):
        try:
            with database.write() as session:
                return act(session)
        except DBAPIError as error:
            if not is_deadlock(error) or tries == TRIES:
                raise
            time.sleep(random.uniform(0.01, 0.05) * tries)
    raise AssertionError("the loop returns or raises")
