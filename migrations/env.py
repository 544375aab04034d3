"""Alembic's entry: migrates the database whose URL the caller put into the configuration.

Campaigns go on meanwhile, so no migration may hold anybody up for a second. On PostgreSQL a statement that changes a table waits
for everybody who reads it, and whoever comes later waits behind it: it gives up after `LOCK_TIMEOUT_MS`, and the migration is tried
again.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import context
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, pool
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from models.files import create_private
from models.privacy.guards import drop_guards, install_guards
from models.tables import metadata

LOCK_TIMEOUT_MS = 300
TRIES_FOR_SECONDS = 600.0
MIGRATING = 4819021
"""The key of the advisory lock that two hosts which start at once take in turn."""
BUSY = {"55P03", "40P01"}
"""PostgreSQL's codes of a lock that was not to be had in time, and of a deadlock."""


def run() -> None:
    """Migrate, each migration in a transaction of its own, with SQLite's foreign keys off while tables are rebuilt."""
    url = make_url(context.config.attributes.get("url") or context.config.get_main_option("sqlalchemy.url"))
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        create_private(Path(str(url.database)))
    arguments: dict[str, Any] = {"timeout": 30} if is_sqlite else {"connect_timeout": 5}
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True, connect_args=arguments)
    with engine.connect() as connection:
        if not is_sqlite:
            _take_turns(connection)
            _limit_waits(connection)
            _let_concurrent_indexes_wait(connection)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=is_sqlite,
            compare_type=True,
            transaction_per_migration=True,
        )
        if is_sqlite and not _is_newest(connection):
            drop_guards(connection)  # SQLite rebuilds no table that a trigger names
        with context.begin_transaction():
            _run_until_done(connection, context.run_migrations)
        if _is_newest(connection):
            _run_until_done(connection, lambda: install_guards(connection))
        else:
            drop_guards(connection)
    engine.dispose()


def _is_newest(connection: Connection) -> bool:
    heads = set(context.script.get_heads())
    found = set(MigrationContext.configure(connection).get_current_heads())
    connection.rollback()
    return found == heads


def _run_until_done(connection: Connection, run: Callable[[], None]) -> None:
    """Run what is left. What found a table busy was rolled back, and begins again a moment later."""
    gives_up_at = time.monotonic() + TRIES_FOR_SECONDS
    while True:
        try:
            run()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in BUSY or time.monotonic() > gives_up_at:
                raise
            _limit_waits(connection)  # the statement that gave up may have been one that waits as long as it must
            time.sleep(random.uniform(0.1, 0.5))  # so that it does not meet the same reader again
        else:
            return


def _take_turns(connection: Connection) -> None:
    """Wait until no other process migrates. Asked again and again: whoever waits inside a statement would hold up an index that is
    made CONCURRENTLY. The lock ends with the connection.
    """
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({MIGRATING})").scalar_one():
        connection.rollback()
        time.sleep(0.2)
    connection.commit()


def _limit_waits(connection: Connection) -> None:
    """Let statements give up that wait for a lock."""
    connection.rollback()
    connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    connection.commit()


def _let_concurrent_indexes_wait(connection: Connection) -> None:
    """An index that is made CONCURRENTLY waits as long as it must: it holds up nobody."""

    @event.listens_for(connection, "before_cursor_execute")
    def before(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "CONCURRENTLY" in statement.upper():
            cursor.execute("SET lock_timeout = 0")

    @event.listens_for(connection, "after_cursor_execute")
    def after(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "CONCURRENTLY" in statement.upper():
            cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")


run()
