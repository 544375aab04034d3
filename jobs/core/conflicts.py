"""Repeats an operator's action whose transaction the database gave up for another one, so that no action fails by a deadlock.

Transactions that lock rows of several tables take them in one order, so that they wait for one another instead of standing still:

1. locks of names and identities (`lock_identities`, `lock_tag_names`) and the row of the epoch's hold,
2. campaign, by id, then its cohorts,
3. number, portfolio, budget,
4. contact, by id,
5. conversation, case, flow session,
6. recipient, engagement, message: by id where many rows are locked at once.

PostgreSQL still finds a deadlock where a foreign key or an index locks what no statement named, and SQLite is busy where another
program holds the file. Both undo the whole transaction; the same action can succeed a moment later.
"""

import time
from collections.abc import Callable
from functools import wraps
from random import uniform
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from jobs.core.db_errors import is_conflict
from models.db.engine import commits_of_thread
from models.errors import OperatorError

PATIENCE_SECONDS = 15.0
_LONGEST_PAUSE = 0.5

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class DatabaseBusyError(OperatorError):
    """The action did not come through against others for a while. Nothing was changed; it may be tried again."""


def retry_conflicts(action: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Decorate an action with one write transaction: it is repeated as a whole as long as nothing of it was committed.

    One that writes in several transactions calls a function of its own for each. Raises DatabaseBusyError after
    `PATIENCE_SECONDS` of conflicts.
    """
    return _repeated(action, is_repeatable=False)


def retry_conflicts_again(action: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Decorate an action like `retry_conflicts` whose earlier transactions may be repeated too: they only bring rows up to date."""
    return _repeated(action, is_repeatable=True)


def _repeated(action: Callable[Arguments, Value], *, is_repeatable: bool) -> Callable[Arguments, Value]:
    @wraps(action)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        tries, deadline = 0, time.monotonic() + PATIENCE_SECONDS
        while True:
            commits = commits_of_thread()
            try:
                return action(*args, **kwargs)
            except DBAPIError as error:
                if not is_conflict(error) or (not is_repeatable and commits_of_thread() != commits):
                    raise
                if time.monotonic() >= deadline:
                    raise DatabaseBusyError(
                        "the database is busy with other changes; nothing was changed, try again in a moment"
                    ) from error
            tries += 1
            time.sleep(uniform(0.0, min(_LONGEST_PAUSE, 0.01 * 2 ** min(tries, 10))))

    return run
