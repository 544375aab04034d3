"""One child command of a supervisor, and the process that runs it at the moment."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.core.child_process import dying_with_parent

_MAX_LINE_BYTES = 16_384
_READ_BYTES = 65_536


@dataclass(frozen=True)
class Child:
    """One command to keep alive.

    `env` is its whole environment; without one it inherits ours. With `count` above one there are `name-1`, `name-2`, …
    While `ready` is given and has not said True, no child that stands after this one starts; when all stop, it is told
    after those. With `restart=False` it may end; an `essential` one that ends takes all others with it, and its exit
    status becomes the supervisor's.
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
        return [self.name] if self.count == 1 else [f"{self.name}-{place}" for place in range(1, self.count + 1)]


class Seat:
    """The place of one child process: who sits there now, since when, and when the next one may.

    What the process prints goes to `hear`, line by line.
    """

    def __init__(
        self, child: Child, name: str, stage: int, selector: selectors.BaseSelector, hear: Callable[[str], None]
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
        self.told_at: float | None = None
        self._selector = selector
        self._hear = hear
        self._rest = b""

    def start(self, now: float) -> None:
        """Raises OSError where there is nothing to run."""
        environment = dict(os.environ if self.child.env is None else self.child.env)
        environment.setdefault("PYTHONUNBUFFERED", "1")  # a line is worth most while it is new
        self.started_at = now
        self.first_started_at = self.first_started_at or now
        self.process = subprocess.Popen(  # noqa: S603 - commands of our own
            list(self.child.argv),
            env=environment,
            cwd=self.child.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, and each child gets one signal from it
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - one system call, no lock taken
        )
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)
            self._selector.register(self.process.stdout, selectors.EVENT_READ, self)

    def listen(self) -> bool:
        """Pass on what it has printed. False when there was nothing."""
        pipe = self.process.stdout if self.process else None
        if pipe is None or pipe.closed:
            return False
        try:
            heard = os.read(pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace"))
        if len(self._rest) > _MAX_LINE_BYTES:
            self._hear_rest()
        if not heard:  # it closed its output, or is gone
            self._close_pipe()
        return bool(heard)

    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def clear(self) -> int:
        """After its death: end whom it left behind, hear it out, give back its exit code (negative: a signal)."""
        if self.process is None:
            raise ValueError(f"nobody sits on {self.name}")
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # those may hold a port or a lock that the next one needs
        code = self.process.wait()
        heard_enough = time.monotonic() + 1
        while self.listen() and time.monotonic() < heard_enough:
            pass
        self._close_pipe()
        self.process = None
        return code

    def _hear_rest(self) -> None:
        if self._rest:
            self._hear(self._rest.decode(errors="replace"))
            self._rest = b""

    def _close_pipe(self) -> None:
        """Even where somebody who left its session still holds the other end."""
        self._hear_rest()
        pipe = self.process.stdout if self.process else None
        if pipe is not None and not pipe.closed:
            self._selector.unregister(pipe)
            pipe.close()


def manner_of_death(code: int) -> str:
    """A line's end for an exit code as `subprocess` has it."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
