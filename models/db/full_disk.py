"""Reads an SQLite database on a disk that is full.

SQLite makes an index of its log (`-shm`) even to read, where no process has the database open. Without room for it nothing can be
read. A database whose log is empty can then be read as one that nobody changes: on that disk nobody can.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

_INDEX_BYTES = 32_768


def needs_no_log(path: Path) -> bool:
    """Whether the database has nothing in its log and the disk has no room for the log's index."""
    index = path.with_name(path.name + "-shm")
    try:
        if index.exists() and index.stat().st_size >= _INDEX_BYTES:
            return False
        log = path.with_name(path.name + "-wal")
        return not (log.exists() and log.stat().st_size) and path.stat().st_size > 0 and not _has_room(path.parent)
    except OSError:
        return False


def connect_unchanging(path: Path, **values: Any) -> sqlite3.Connection:
    """Connect to read a database that nobody changes meanwhile. Nothing is written, and no lock is taken."""
    connection: sqlite3.Connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, **values)
    return connection


def _has_room(directory: Path) -> bool:
    """Whether the log's index fits on the disk; a file system that takes no writes at all has no room either."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize >= _INDEX_BYTES and not status.f_flag & os.ST_RDONLY
