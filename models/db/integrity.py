"""Looks through an SQLite file for what a disk or a foreign write-ahead log did to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from models.errors import OperatorError


def check_sqlite(path: Path) -> None:
    """Raises OperatorError if the database is malformed. It reads the whole file: about a second for each gigabyte."""
    if path.exists():
        with closing(sqlite3.connect(path)) as connection:
            check_whole(connection, path)


def check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Raises OperatorError if the database of this connection is malformed; `path` is for the message."""
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer != "ok":
        reason = " ".join(answer.split())
        raise OperatorError("{path}: the database is malformed ({reason})", path=path, reason=reason)
