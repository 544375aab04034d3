"""Starts and stops one Redis server for the tests, on a directory, with the settings that the product gives its own."""

import subprocess
import time
from pathlib import Path
from typing import IO

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from jobs.core.child_process import kill_with_parent
from jobs.core.redis_server import RedisUnavailableError, redis_answers, redis_argv, redis_url

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


class RedisServer:
    """One Redis on one directory. This process starts and stops it, and it dies with this process.

    `appendfsync`: not every test needs every write on the disk. Start it from a thread that outlives it.
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
        return subprocess.Popen(
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
