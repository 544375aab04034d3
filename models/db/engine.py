"""Provides two engines for one database: a read-only one and one for writing.

A page or an export must never take SQLite's only write lock, so reads have an engine of their own, which cannot write.
On SQLite the writers of all processes queue on a file lock before BEGIN IMMEDIATE: SQLite's own busy handler polls and is
unfair (measured: a writer waited 3 s). PostgreSQL needs neither.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import local
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from models.db.full_disk import connect_unchanging, needs_no_log
from models.files import create_private, make_private_directory
from models.folding import fold_letters
from models.person_names import first_name, full_name

BUSY_TIMEOUT_MS = 30_000
Reader = Callable[[], AbstractContextManager[Session]]
"""Opens a read-only session."""
_READER = "reader"
_ZONE = "time_zone"
_UNCHANGING = "unchanging"


class Database:
    """Both engines of one database. Nothing connects before the first use.

    `read()` and `write()` open a session in one transaction. `write()` commits when its block ends without an exception, else it
    rolls back; nothing else commits. `before_commit` is the last thing that a write transaction does. `time_zone` is the
    business's, which `zone_of` returns for a session. `info` is in `Session.info` of each session.

    Raises ValueError if the URL is an SQLite database that is not a file.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        pool_size: int = 5,
        time_zone: str = "UTC",
        before_commit: Callable[[Session], None] | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.url = make_url(url)
        self._before_commit = before_commit
        self._info: dict[Any, Any] = {_ZONE: ZoneInfo(time_zone), **(info or {})}
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._lock_path: Path | None = None
        if self.is_sqlite:
            if not self.url.database or self.url.database == ":memory:":
                raise ValueError("DATABASE_URL: an SQLite database must be a file, since several processes share it")
            path = self.path
            self._lock_path = path.with_name(path.name + ".lock")
            self.read_engine = self._sqlite_engine("BEGIN", read_only=True)
            self.write_engine = self._sqlite_engine("BEGIN IMMEDIATE", read_only=False)
        else:
            # For a slice, PostgreSQL's JIT compilation takes longer than the query.
            self.read_engine = self._server_engine(pool_size, "-c jit=off -c default_transaction_read_only=on")
            self.write_engine = self._server_engine(pool_size, "-c jit=off")

    @property
    def path(self) -> Path:
        """The file of an SQLite database."""
        return Path(str(self.url.database)).absolute()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read-only session; its transaction ends with the block."""
        info = {**self._info, _READER: self.read}
        with Session(self.read_engine, expire_on_commit=False, info=info) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session in a write transaction, committed when the block ends. Keep it under 50 ms: no network, no rendering."""
        with (
            self._write_lock(),
            Session(self.write_engine, expire_on_commit=False, info=self._info) as session,
            session.begin(),
        ):
            yield session
            if self._before_commit is not None:
                self._before_commit(session)
        _committed.count = commits_of_thread() + 1

    def dispose(self) -> None:
        """Close every pooled connection (after a fork, at the end of a test)."""
        self.read_engine.dispose()
        self.write_engine.dispose()

    @contextlib.contextmanager
    def _write_lock(self) -> Iterator[None]:
        if self._lock_path is None:
            yield
            return
        if not self._lock_path.parent.exists():
            make_private_directory(self._lock_path.parent)
        # A new descriptor for each lock: flock then excludes the threads of one process too.
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _server_engine(self, pool_size: int, options: str) -> Engine:
        return create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"options": options, "connect_timeout": 5},
        )

    def _sqlite_engine(self, begin: str, *, read_only: bool) -> Engine:
        engine = create_engine(self.url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        path = self.path

        @event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, record: Any, _arguments: Any, values: Any) -> Any:
            # SQLite would make it as the umask says; its log and its index get the file's permissions.
            create_private(path)
            if read_only and needs_no_log(path):
                record.info[_UNCHANGING] = True
                return connect_unchanging(path, **values)
            return None

        @event.listens_for(engine, "checkin")
        def put_back(_connection: Any, record: Any) -> None:
            if _UNCHANGING in record.info:
                record.invalidate()  # next time somebody may be writing

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, record: Any) -> None:
            connection.create_function("hark_fold", 1, _fold, deterministic=True)
            connection.create_function("hark_first_name", 2, first_name, deterministic=True)
            connection.create_function("hark_full_name", 3, full_name, deterministic=True)
            connection.isolation_level = None  # the driver must not begin a transaction: `start` below does
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            if _UNCHANGING not in record.info:
                cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")  # a power cut must not undo a committed claim
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA cache_size=-65536")
            cursor.execute("PRAGMA temp_store=MEMORY")
            cursor.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
            if read_only:
                cursor.execute("PRAGMA query_only=ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def start(connection: Any) -> None:
            connection.exec_driver_sql(begin)

        return engine


_committed = local()


def commits_of_thread() -> int:
    """How many write transactions this thread has committed, in any database. Two values tell whether there was one in between."""
    count: int = getattr(_committed, "count", 0)
    return count


def _fold(text: str | None) -> str | None:
    return None if text is None else fold_letters(text)


def reader_for(session: Session) -> Reader | None:
    """Return the reader that opened this session, to open more in parallel; None for a session that may write."""
    reader: Reader | None = session.info.get(_READER)
    return reader


def zone_of(session: Session) -> ZoneInfo:
    """Return the business's time zone, in which days begin and end."""
    zone: ZoneInfo = session.info.get(_ZONE) or ZoneInfo("UTC")
    return zone
