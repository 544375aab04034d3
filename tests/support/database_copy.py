"""Copies of a database as it is now, as a backup takes them; put back by opening the copy in the place of the database."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from jobs.core.runtime import Runtime, use_runtime


def copy_database(rt: Runtime, directory: Path) -> str:
    """The URL of a copy. On PostgreSQL nothing else may be connected to the database."""
    rt.database.dispose()
    url = make_url(rt.settings.database_url)
    if url.get_backend_name() == "sqlite":
        path = directory / "copy.db"
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.execute("VACUUM INTO ?", (str(path),))
        return f"sqlite:///{path}"
    name = f"{url.database}_copy"
    server = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(str(url.database))))
    return url.set(database=name).render_as_string(hide_password=False)


def drop_copy(url: str) -> None:
    """Remove it from its server; a file goes with its directory."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return
    server = parsed.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(parsed.database))))


@contextmanager
def restored(rt: Runtime, url: str, var_dir: Path | None = None) -> Iterator[Runtime]:
    """The installation with the database at `url` in the place of its own; with `var_dir` on another machine's disk."""
    settings = dataclasses.replace(rt.settings, database_url=url, var_dir=var_dir or rt.settings.var_dir)
    opened = Runtime(settings)
    try:
        with use_runtime(opened):
            yield opened
    finally:
        opened.close()
        drop_copy(url)
