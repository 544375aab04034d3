"""Covers differences between SQLite and PostgreSQL outside of SQL functions: upserts, the server's clock, literals, memory."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.clock import utcnow

NO_SYNC = {"synchronize_session": False}
"""For an UPDATE or DELETE whose rows the session does not hold: it is not told which they were."""


def is_sqlite(session: Session) -> bool:
    """Return whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def insert_into(session: Session, table: Any) -> Any:
    """Return the dialect's INSERT, which has `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return sqlite.insert(table) if is_sqlite(session) else postgresql.insert(table)


def database_now(session: Session) -> datetime:
    """Return the database server's time, which leases use since hosts' clocks differ; on SQLite this machine's."""
    if is_sqlite(session):
        return utcnow()
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now


def literal_word(value: str) -> Any:
    """Return a constant as text of the statement: SQLite uses a partial index only if its condition is there literally.

    Raises ValueError if `value` has anything but letters and underscores.
    """
    if not value.replace("_", "").isalpha():
        raise ValueError(f"{value!r} is not one of our words")
    return literal_column(f"'{value}'")


def raise_work_mem(session: Session) -> None:
    """Raise PostgreSQL's `work_mem` until the transaction ends, before a query over all contacts: it then hashes a table's keys in
    memory instead of a million index look-ups. Does nothing on SQLite.
    """
    if not is_sqlite(session):
        session.execute(text("SET LOCAL work_mem = '128MB'"))
