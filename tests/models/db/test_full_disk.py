"""Reading a database on a disk without room."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from models.db import full_disk
from models.db.engine import Database
from models.db.full_disk import needs_no_log


@pytest.fixture
def closed(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that no process has open, on a disk without room."""
    monkeypatch.setattr(full_disk, "_has_room", lambda _directory: False)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


def test_what_nobody_has_open_is_read_without_a_write(closed: Path) -> None:
    database = Database(f"sqlite:///{closed}")
    for _ in range(2):
        with database.read() as session:
            assert session.scalar(text("SELECT count(*) FROM setting")) == 0
    assert [path.name for path in closed.parent.glob(f"{closed.name}-*")] == []
    database.dispose()


def test_what_is_written_afterwards_is_read(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{closed}")
    with database.read() as session:
        session.execute(text("SELECT 1"))
    monkeypatch.setattr(full_disk, "_has_room", lambda _directory: True)
    with database.write() as session:
        session.execute(
            text("INSERT INTO setting (key, value, updated_at) VALUES ('a', '1', '2026-01-01 00:00:00.000000')")
        )
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM setting")) == 1
    database.dispose()


def test_a_log_with_something_in_it_is_never_left_out(closed: Path) -> None:
    assert needs_no_log(closed)
    closed.with_name(f"{closed.name}-wal").write_bytes(b"x")
    assert not needs_no_log(closed)
