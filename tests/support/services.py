"""What tests stand on: real servers, migrated databases, a process that inherits nothing and reaches nobody outside."""

import ipaddress
import os
import shutil
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support.paths import ROOT
from tests.support.postgres_server import PostgresServer

# The tests' own switches; every other setting of the product is taken out of the environment.
KEPT = {"HARK_TEST_POSTGRES"}
PREFIXES = ("HARK_", "META_", "SHOPIFY_", "GRAPH_API_", "FLASK_")
NAMES = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEY", "PUBLIC_URL", "DEFAULT_COUNTRY", "TIME_ZONE"}
PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


class OutsideConnectionError(AssertionError):
    """A test tried to leave the machine."""


def forget_inherited_settings() -> None:
    """Take the product's settings out of this process's environment, and point its settings file at an empty one."""
    for name in list(os.environ):
        plain = name.upper().removesuffix("_FILE")
        if name not in KEPT and (plain in NAMES | PROXIES or plain.startswith(PREFIXES)):
            del os.environ[name]
    os.environ["HARK_ENV_FILE"] = os.devnull


def everything_is_required() -> bool:
    """REQUIRE_ALL=1: a part that is missing here fails its tests instead of skipping them."""
    return os.environ.get("REQUIRE_ALL", "0") not in {"", "0"}


@contextmanager
def only_this_machine() -> Iterator[None]:
    """Inside, this process connects to loopback and unix sockets alone, and resolves no name but localhost."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_outside(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_outside(self, address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name != "localhost" and not _is_address(name):
            raise socket.gaierror(socket.EAI_NONAME, f"tests resolve no names ({name})")
        return resolve(host, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


def _refuse_outside(self: socket.socket, address: Any) -> None:
    if self.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = str(address[0]).partition("%")[0]
    if host == "localhost":
        return
    if not _is_address(host) or not (
        ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    ):
        raise OutsideConnectionError(f"a test tried to connect to {host}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def prepare_schema(url: str) -> None:
    """Every migration, on an empty database."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, "head")


class SqliteTemplate:
    """A migrated file, copied for each test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        prepare_schema(f"sqlite:///{path}")
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def copy_to(self, path: Path) -> str:
        """The URL of the copy."""
        shutil.copyfile(self.path, path)
        return f"sqlite:///{path}"


class PostgresTemplate:
    """A migrated database, cloned for each test (some 30 ms where the server keeps its files in memory)."""

    def __init__(self, server_url: str) -> None:
        self.server = make_url(server_url).set(drivername="postgresql+psycopg")
        # Several test processes, and several runs, may share one server.
        self.name = f"hark_test_{os.getpid()}_{time.time_ns() % 10**9}"
        self._numbers = count(1)
        # Copied as files it is three times as fast, where no checkpoint has to wait for a disk.
        self._strategy = "wal_log" if self._waits_for_the_disk() else "file_copy"
        self._execute("CREATE DATABASE {} TEMPLATE template0", self.name)
        prepare_schema(self._url(self.name))

    def clone(self) -> str:
        """The URL of a fresh database."""
        name = f"{self.name}_{next(self._numbers)}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY {}", name, self.name, self._strategy)
        return self._url(name)

    def bare(self) -> str:
        """The URL of a database without a schema."""
        name = f"{self.name}_{next(self._numbers)}"
        self._execute("CREATE DATABASE {} TEMPLATE template0", name)
        return self._url(name)

    def drop(self, url: str | URL | None = None) -> None:
        """Whoever is still connected is thrown out. Without a URL: the template itself."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", make_url(url).database or "" if url else self.name)

    def _url(self, database: str) -> str:
        return self.server.set(database=database).render_as_string(hide_password=False)

    def _waits_for_the_disk(self) -> bool:
        with self._connect() as connection:
            found = connection.execute("SHOW fsync").fetchone()
        return found != ("off",)

    def _execute(self, statement: str, *names: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _connect(self) -> psycopg.Connection:
        url = self.server.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)


@contextmanager
def postgres_server_url(*, is_durable: bool = False) -> Iterator[str]:
    """HARK_TEST_POSTGRES (its role may create databases), else a server of our own (see there). Raises PostgresMissingError."""
    given = os.environ.get("HARK_TEST_POSTGRES")
    if given:
        yield given
        return
    server = PostgresServer(is_durable=is_durable)
    try:
        server.start()
        yield server.url()
    finally:
        server.close()


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Short enough for a unix socket, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="hark-test-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def is_alive(pid: int) -> bool:
    """A zombie that nobody has reaped yet counts as dead."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_gone(pid: int, seconds: float = 60) -> bool:
    """False where it is still there after that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False
