"""Copies an SQLite database into an archive and back, never mixing the file of one with the write-ahead log of another."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from admin.backup.archive import ArchiveReader, ArchiveWriter
from models.db.integrity import check_whole
from models.errors import OperatorError
from models.files import create_private, make_private_directory
from models.privacy.tables import TABLES

MEMBER = "database.sqlite"
_SIDES = ("-wal", "-shm", "-journal")


def copy_sqlite(archive: ArchiveWriter, path: Path, aside: Path) -> None:
    """Add a consistent copy of the database to the archive, while others write to it. `aside` is where it is copied to first."""
    try:
        create_private(aside)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(aside)) as target:
            source.backup(target)  # in one step: its read transaction holds up no writer
            target.execute("PRAGMA journal_mode=DELETE")
            target.execute("PRAGMA secure_delete=ON")
            for store in TABLES:
                if not store.in_backup:
                    target.execute(f'DELETE FROM "{store.name}"')  # noqa: S608 - a name of our list
            target.commit()
            check_whole(target, path)
        archive.add_file(MEMBER, aside)
    finally:
        for side in ("", *_SIDES):
            aside.with_name(aside.name + side).unlink(missing_ok=True)


def put_sqlite_back(archive: ArchiveReader, path: Path, now: datetime) -> Path | None:
    """Put the database of the archive in the place of `path`. What stood there is kept beside it, with its log; returns where.

    Raises OperatorError if a process still has the database open, or the copy is malformed.
    """
    make_private_directory(path.parent)
    aside = path.with_name(f".{path.name}.restoring")
    try:
        archive.extract(MEMBER, aside)
        with closing(sqlite3.connect(aside)) as copy:
            check_whole(copy, aside)
        kept = _keep(path, now)
        aside.replace(path)
        return kept
    finally:
        for side in ("", *_SIDES):
            aside.with_name(aside.name + side).unlink(missing_ok=True)


def check_unused(path: Path) -> None:
    """Raises OperatorError if another process has the database open."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")  # in WAL mode it needs that nobody else is connected
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise OperatorError("{path}: another process has it open; stop Hark first", path=path) from None
        raise
    except sqlite3.DatabaseError:
        return  # a malformed one is what a restore is for


def _keep(path: Path, now: datetime) -> Path | None:
    """Move the database with its log aside, the log first: a file without its log is older, one with a foreign log is malformed."""
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.before-{now:%Y%m%d-%H%M%S}")
    for side in (*_SIDES, ""):
        part = path.with_name(path.name + side)
        if part.exists():
            part.replace(kept.with_name(kept.name + side))
    return kept
