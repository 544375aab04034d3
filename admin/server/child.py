"""Defines a supervisor's child commands and runs the process of each."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.core.child_process import kill_with_parent

_MAX_LINE_BYTES = 16_384
_READ_BYTES = 65_536


@dataclass(frozen=True)
class Child:
    """A command that the supervisor keeps running.

    `env` is its whole environment; None means the supervisor's. With `count` above one there are `name-1`, `name-2`, …
    The children after this one start once `ready` returns True, at most `ready_seconds` after its start; when all stop, this
    one gets its signal after those. With `restart=False` it may end; when an `essential` one ends, all others are stopped, and
    its exit status becomes the supervisor's.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    restart: bool = True
    count: int = 1
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60.0
    essential: bool = False
    cwd: Path | None = None

    @property
    def names(self) -> list[str]:
        """The name of each of its `count` processes."""
        return [self.name] if self.count == 1 else [f"{self.name}-{place}" for place in range(1, self.count + 1)]


class ProcessSlot:
    """A slot for one process of a child: the running process, its times, and when the next one may start.

    `on_line` gets the output of the process, line by line.
    """

    def __init__(
        self, child: Child, name: str, stage: int, selector: selectors.BaseSelector, on_line: Callable[[str], None]
    ) -> None:
        self.child = child
        self.name = name
        self.stage = stage  # starts after the stages below it are ready, stops before them
        self.process: subprocess.Popen[bytes] | None = None
        self.first_started_at: float | None = None
        self.started_at = 0.0
        self.due_at: float | None = 0.0  # None: it never starts again
        self.backoff_seconds = 0.0
        self.is_ready = child.ready is None
        self.stop_sent_at: float | None = None
        self._selector = selector
        self._on_line = on_line
        self._rest = b""

    def start(self, now: float) -> None:
        """Start a process. Raises OSError if the command cannot be run."""
        environment = dict(os.environ if self.child.env is None else self.child.env)
        environment.setdefault("PYTHONUNBUFFERED", "1")  # log lines appear at once
        self.started_at = now
        self.first_started_at = self.first_started_at or now
        self.process = subprocess.Popen(  # noqa: S603 - the commands are fixed
            list(self.child.argv),
            env=environment,
            cwd=self.child.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, and each child gets one signal from it
            umask=0o077,  # Redis' files, SQLite's log, uploads: nobody else reads them
            preexec_fn=kill_with_parent(),  # noqa: PLW1509 - one system call, no lock taken
        )
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)
            self._selector.register(self.process.stdout, selectors.EVENT_READ, self)

    def listen(self) -> bool:
        """Pass new output to `on_line`. Return False if there was none."""
        pipe = self.process.stdout if self.process else None
        if pipe is None or pipe.closed:
            return False
        try:
            output = os.read(pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + output).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace"))
        if len(self._rest) > _MAX_LINE_BYTES:
            self._flush_rest()
        if not output:  # the process closed its output or ended
            self._close_pipe()
        return bool(output)

    def is_dead(self) -> bool:
        """Whether the process has ended and `clear` was not called yet."""
        return self.process is not None and self.process.poll() is not None

    def clear(self) -> int:
        """Clean up after the process ended: kill its own children and read its last output.

        Return its exit code (negative: a signal).
        """
        if self.process is None:
            raise ValueError(f"{self.name} has no process")
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # they may hold a port or a lock that the next process needs
        code = self.process.wait()
        deadline = time.monotonic() + 1
        while self.listen() and time.monotonic() < deadline:
            pass
        self._close_pipe()
        self.process = None
        return code

    def _flush_rest(self) -> None:
        if self._rest:
            self._on_line(self._rest.decode(errors="replace"))
            self._rest = b""

    def _close_pipe(self) -> None:
        """Close it even if a process that left the session still holds the other end."""
        self._flush_rest()
        pipe = self.process.stdout if self.process else None
        if pipe is not None and not pipe.closed:
            self._selector.unregister(pipe)
            pipe.close()


def describe_exit(code: int) -> str:
    """Return the end of a log line for an exit code as `subprocess` reports it (negative: a signal)."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
