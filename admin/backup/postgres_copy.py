"""Copies the tables of PostgreSQL into an archive and back, each by COPY, read in one transaction of one moment."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from admin.backup.archive import ArchiveReader, ArchiveWriter, Table
from models.db.migrate import upgrade_schema
from models.errors import OperatorError
from models.privacy.tables import TABLES

REVISIONS = "alembic_version"
GOING_SECONDS = 2.0
LEFT_OUT = frozenset(store.name for store in TABLES if not store.in_backup)
"""Tables whose rows no backup takes: they are empty after a restore."""


def member_of(table: str) -> str:
    """The name of a table's member."""
    return f"tables/{table}.copy"


def copy_postgres(archive: ArchiveWriter, url: URL) -> None:
    """Add every table and sequence of the schema to the archive, as they are at one moment. Nobody is held up."""
    with _connect(url) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in _tables(connection):
            if table in LEFT_OUT:
                continue
            columns = _columns(connection, table)
            statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with connection.cursor() as cursor:
                with archive.member(member_of(table)) as target, cursor.copy(statement) as rows:
                    for chunk in rows:
                        target.write(chunk)
                archive.manifest.tables[table] = Table(columns, cursor.rowcount)
        archive.manifest.sequences = _sequences(connection)


def is_empty(url: URL) -> bool:
    """Whether there is no table yet."""
    with _connect(url) as connection:
        return not _tables(connection)


def check_unused(url: URL) -> None:
    """Raises OperatorError if others are connected to the database. Connections that are being closed have a moment to go."""
    until = time.monotonic() + GOING_SECONDS
    with _connect(url) as connection:
        while count := _others(connection):
            if time.monotonic() > until:
                raise OperatorError(
                    "the database has {count} other connections; stop Hark on every machine first", count=count
                )
            time.sleep(0.1)


def _others(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"  # the server's own workers go by themselves
    ).fetchone()
    return 0 if row is None else int(row[0])


def put_postgres_back(archive: ArchiveReader, url: URL) -> None:
    """Replace every table of the schema by those of the archive. The schema is then that of the archive's revision.

    A process that dies meanwhile leaves a database without its rows: restore again.
    """
    with _connect(url) as connection, connection.transaction():
        for table in _tables(connection):
            connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
    upgrade_schema(url.render_as_string(hide_password=False), archive.manifest.revision)
    with _connect(url) as connection, connection.transaction():
        with _without_keys(connection):
            for name, kept in archive.manifest.tables.items():
                if name != REVISIONS:
                    _fill(connection, archive, name, kept)
        for sequence, value in archive.manifest.sequences.items():
            connection.execute("SELECT setval(%s::regclass, %s)", (sequence, value))


def _fill(connection: psycopg.Connection[Any], archive: ArchiveReader, name: str, table: Table) -> None:
    target = sql.Identifier(name)
    connection.execute(sql.SQL("TRUNCATE {}").format(target))
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(target))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        target, sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as rows:
            for chunk in archive.chunks(member_of(name)):
                rows.write(chunk)
        if cursor.rowcount != table.rows:
            raise OperatorError(
                "table {name}: {found} of {rows} rows came back", name=name, found=cursor.rowcount, rows=table.rows
            )
    connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(target))


@contextmanager
def _without_keys(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Drop the foreign keys, since tables refer to one another in circles, and check all of them again at the end."""
    keys = connection.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY conname"
    ).fetchall()
    for table, name, _ in keys:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    yield
    for table, name, definition in keys:
        connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _connect(url: URL) -> psycopg.Connection[Any]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, connect_timeout=5)


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
    )
    return [row[0] for row in rows]


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """Those that are not generated."""
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s"
        " AND is_generated = 'NEVER' ORDER BY ordinal_position",
        (table,),
    )
    return [row[0] for row in rows]


def _sequences(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Those that gave a value."""
    rows = connection.execute(
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL"
    )
    return {row[0]: row[1] for row in rows}
