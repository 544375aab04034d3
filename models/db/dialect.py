"""The few things that SQLite and PostgreSQL say differently."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.clock import utcnow

NO_SYNC = {"synchronize_session": False}
"""For an UPDATE or DELETE whose rows the session does not hold: it is not told which they were."""


def is_sqlite(session: Session) -> bool:
    """Whether the session speaks with SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def insert_into(session: Session, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    return sqlite.insert(table) if is_sqlite(session) else postgresql.insert(table)


def database_now(session: Session) -> datetime:
    """The database server's clock, by which leases are kept: hosts' clocks differ. SQLite has no clock but this machine's."""
    if is_sqlite(session):
        return utcnow()
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now


def literal_word(value: str) -> Any:
    """A constant in the statement's text: SQLite uses a partial index only where its condition stands there literally."""
    if not value.replace("_", "").isalpha():
        raise ValueError(f"{value!r} is not one of our words")
    return literal_column(f"'{value}'")


def raise_work_mem(session: Session) -> None:
    """Before a question about everybody, until the transaction ends: PostgreSQL may keep a table's keys in memory, where it
    would else look a million times into an index. SQLite needs nothing.
    """
    if not is_sqlite(session):
        session.execute(text("SET LOCAL work_mem = '128MB'"))
