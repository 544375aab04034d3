"""Runs the children of one installation in one terminal, starts again what dies, and leaves nothing behind."""

import fcntl
import json
import os
import selectors
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from admin.server.child import Child, Seat, manner_of_death
from admin.server.log_stream import LogStream
from models.errors import OperatorError
from models.files import PUBLIC, replace_file

_TICK_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 10.0
# What a child gets that may only be told to stop at the very end, because others leaned on it until then.
_LAST_WORD_SECONDS = 0.5
_OWN_NAME = "hark"
_SUPERVISOR = "supervisor"


class AlreadyRunningError(OperatorError):
    """Another supervisor holds the directory; its text is the one line for the user."""


@contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """One supervisor per directory. The lock goes with the process that holds it. Raises AlreadyRunningError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode().strip()
            by = f" (process {holder})" if holder else ""
            raise AlreadyRunningError(
                "already running on {directory}{by}: stop that one first", directory=directory, by=by
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


class Supervisor:
    """Call `run()` in the thread that is to own the children: on Linux they die with that thread.

    `directory` holds the lock and `processes.json` (name → pid of those that run, `supervisor` among them).
    `locked` says that the caller holds `lock_directory` itself.
    """

    def __init__(
        self,
        children: Sequence[Child],
        log: TextIO,
        directory: Path,
        *,
        stop_seconds: float = 9.0,
        healthy_seconds: float = 30.0,
        locked: bool = False,
    ) -> None:
        names = [_OWN_NAME, *(name for child in children for name in child.names)]
        if len({*names, _SUPERVISOR}) != len(names) + 1:
            raise ValueError(f"children need names of their own: {', '.join(names[1:])}")
        self._log = LogStream(log, names)
        self._selector = selectors.DefaultSelector()
        self._seats = self._seat(children)
        self._directory = directory
        self._stop_seconds = stop_seconds
        self._healthy_seconds = healthy_seconds
        self._locked = locked
        self._asked_to_stop = False
        self._stopping_since: float | None = None
        self._exit_code = 0

    def run(self) -> int:
        """Until a signal, `stop()`, an essential child's end or everybody's. Raises AlreadyRunningError.

        The exit status: 0, an essential child's own, or 1 where one was not ready in time.
        """
        with ExitStack() as stack:
            if not self._locked:
                stack.enter_context(lock_directory(self._directory))
            stack.enter_context(self._signals())
            stack.callback(self._leave_nothing)
            while any(seat.process is not None or seat.due_at is not None for seat in self._seats):
                now = time.monotonic()
                if self._asked_to_stop or self._log.is_closed:
                    self._begin_to_stop(now)
                if self._stopping_since is None:
                    self._start_whoever_is_due(now)
                else:
                    self._press_on(now, self._stopping_since + self._stop_seconds)
                self._listen()
                self._notice_deaths()
        return self._exit_code

    def stop(self) -> None:
        """From any thread or signal handler, as often as they like: a plain flag, so that no handler meets a lock."""
        self._asked_to_stop = True

    def pid_of(self, name: str) -> int | None:
        """None while it does not run. Raises KeyError for a name that is nobody's."""
        for seat in self._seats:
            if seat.name == name:
                process = seat.process
                return process.pid if process else None
        raise KeyError(name)

    def _seat(self, children: Sequence[Child]) -> list[Seat]:
        seats: list[Seat] = []
        stage = 0
        for child in children:
            seats += [Seat(child, name, stage, self._selector, partial(self._log.line, name)) for name in child.names]
            stage += child.ready is not None
        for seat in seats:
            seat.backoff_seconds = _FIRST_BACKOFF_SECONDS
        return seats

    def _start_whoever_is_due(self, now: float) -> None:
        for seat in self._seats:
            if seat.process is None and seat.due_at is not None and seat.due_at <= now:
                self._start(seat, now)
            if not seat.is_ready and not self._has_become_ready(seat, now):
                return  # those after it wait

    def _start(self, seat: Seat, now: float) -> None:
        try:
            seat.start(now)
        except OSError as error:
            self._plan_after(seat, f"cannot be started ({seat.child.argv[0]}: {error.strerror})", exit_code=1)
        else:
            self._record()

    def _has_become_ready(self, seat: Seat, now: float) -> bool:
        if seat.process is not None and seat.child.ready is not None and seat.child.ready():
            seat.is_ready = True
            return True
        waited = now - (seat.first_started_at or now)
        if waited > seat.child.ready_seconds or (seat.process is None and seat.due_at is None):
            self._say(f"{seat.name} was not ready within {waited:.0f} s")
            self._exit_code = self._exit_code or 1
            self.stop()
        return False

    def _listen(self) -> None:
        due = [seat.due_at for seat in self._seats if seat.process is None and seat.due_at is not None]
        soonest = min(due, default=float("inf")) - time.monotonic()
        # One that waits for another to be ready has long been due.
        pause = min(soonest, _TICK_SECONDS) if soonest > 0 else _TICK_SECONDS
        for key, _ in self._selector.select(pause):
            key.data.listen()
        self._log.push()

    def _notice_deaths(self) -> None:
        for seat in self._seats:
            if seat.is_dead():
                code = seat.clear()
                self._plan_after(seat, manner_of_death(code), exit_code=code if code >= 0 else 128 - code)
                self._record()

    def _plan_after(self, seat: Seat, manner: str, exit_code: int) -> None:
        """After somebody's end: another start, or none."""
        now = time.monotonic()
        if self._stopping_since is not None:
            seat.due_at = None
        elif seat.child.restart:
            if now - seat.started_at >= self._healthy_seconds:
                seat.backoff_seconds = _FIRST_BACKOFF_SECONDS
            seat.due_at = now + seat.backoff_seconds
            self._say(f"{seat.name} {manner}; starting it again in {seat.backoff_seconds:g} s")
            seat.backoff_seconds = min(_MAX_BACKOFF_SECONDS, seat.backoff_seconds * 2)
        else:
            seat.due_at = None
            self._say(f"{seat.name} {manner}")
            if seat.child.essential:
                self._exit_code = self._exit_code or exit_code
                self.stop()

    def _begin_to_stop(self, now: float) -> None:
        if self._stopping_since is None:
            self._stopping_since = now
            self._say("stopping")
            for seat in self._seats:
                seat.due_at = None

    def _press_on(self, now: float, deadline: float) -> None:
        """Tell each to stop, the foundations after those that stand on them; whoever does not hear is killed."""
        running = [seat for seat in self._seats if seat.process is not None]
        top = max((seat.stage for seat in running), default=0)
        for seat in running:
            if seat.process is None:
                continue
            if seat.told_at is None:
                if seat.stage == top or now >= deadline:
                    seat.told_at = now
                    seat.process.terminate()
            elif now >= max(deadline, seat.told_at + _LAST_WORD_SECONDS):
                self._say(f"{seat.name} did not stop within {now - seat.told_at:.1f} s: killed")
                seat.process.kill()

    def _leave_nothing(self) -> None:
        """Also on the way out of an error of our own."""
        for seat in self._seats:
            if seat.process is not None:
                seat.process.kill()
                seat.clear()
        self._selector.close()
        (self._directory / "processes.json").unlink(missing_ok=True)
        self._log.close()

    def _say(self, text: str) -> None:
        self._log.line(_OWN_NAME, text)

    def _record(self) -> None:
        pids = {seat.name: seat.process.pid for seat in self._seats if seat.process is not None}
        content = json.dumps({_SUPERVISOR: os.getpid(), **pids}, indent=1).encode()
        with suppress(OSError), replace_file(self._directory / "processes.json", PUBLIC) as file:
            file.write(content)  # a full disk is no reason to end what still runs

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM, Ctrl-C and a closed terminal (unless under `nohup`) all mean stop, as often as they come."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = {signal.SIGTERM, signal.SIGINT}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            wanted.add(signal.SIGHUP)
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
