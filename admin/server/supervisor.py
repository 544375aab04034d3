"""Runs the processes of one installation in one terminal, restarts those that end, and stops all of them at the end."""

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

from admin.server.child import Child, ProcessSlot, describe_exit
from admin.server.log_stream import LogStream
from models.errors import OperatorError
from models.files import replace_file

PROCESSES = "processes.json"
"""Name → pid of what runs. It is left behind only by a supervisor that was killed."""
RESTARTS = "restarts.json"
"""Name → how often the process was started again since the supervisor began."""
_TICK_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 10.0
# Time to stop for a child that gets its signal only at the deadline, because others needed it until then.
_LATE_STOP_SECONDS = 0.5
_OWN_NAME = "hark"
_SUPERVISOR = "supervisor"


class AlreadyRunningError(OperatorError):
    """Another supervisor holds the directory. The text is one line for the user."""


@contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """Lock the directory for one supervisor. The lock ends with the process that holds it.

    Raises AlreadyRunningError if another process holds it.
    """
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


def read_restarts(directory: Path) -> dict[str, int]:
    """How often each process was started again; empty if none was, or no supervisor runs here."""
    try:
        found = json.loads((directory / RESTARTS).read_text(encoding="utf-8"))
        return {str(name): int(count) for name, count in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


class Supervisor:
    """Call `run()` in a thread that outlives the children: on Linux they die with that thread.

    `directory` holds the lock and `processes.json` (name → pid of the running processes, `supervisor` included). A child gets
    `stop_seconds` to end after its signal; one that ran for `healthy_seconds` is restarted without a long back-off.
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
        self._slots = self._make_slots(children)
        self._directory = directory
        self._stop_seconds = stop_seconds
        self._healthy_seconds = healthy_seconds
        self._locked = locked
        self._restarts: dict[str, int] = {}
        self._asked_to_stop = False
        self._stopping_since: float | None = None
        self._exit_code = 0

    def run(self) -> int:
        """Run until a signal, `stop()`, the end of an essential child or of all children.

        Return the exit status: 0, an essential child's own, or 1 if a child was not ready in time.
        Raises AlreadyRunningError if another supervisor holds the directory.
        """
        with ExitStack() as stack:
            if not self._locked:
                stack.enter_context(lock_directory(self._directory))
            stack.enter_context(self._signals())
            stack.callback(self._clean_up)
            while any(slot.process is not None or slot.due_at is not None for slot in self._slots):
                now = time.monotonic()
                if self._asked_to_stop or self._log.is_closed:
                    self._begin_to_stop(now)
                if self._stopping_since is None:
                    self._start_due(now)
                else:
                    self._stop_running(now, self._stopping_since + self._stop_seconds)
                self._listen()
                self._handle_exits()
        return self._exit_code

    def stop(self) -> None:
        """Ask `run()` to stop. Any thread or signal handler may call it, any number of times: it sets a flag, without a lock."""
        self._asked_to_stop = True

    def pid_of(self, name: str) -> int | None:
        """Return the pid, or None while the child does not run. Raises KeyError if no child has this name."""
        for slot in self._slots:
            if slot.name == name:
                process = slot.process
                return process.pid if process else None
        raise KeyError(name)

    def _make_slots(self, children: Sequence[Child]) -> list[ProcessSlot]:
        slots: list[ProcessSlot] = []
        stage = 0
        for child in children:
            slots += [
                ProcessSlot(child, name, stage, self._selector, partial(self._log.line, name)) for name in child.names
            ]
            stage += child.ready is not None
        for slot in slots:
            slot.backoff_seconds = _FIRST_BACKOFF_SECONDS
        return slots

    def _start_due(self, now: float) -> None:
        for slot in self._slots:
            if slot.process is None and slot.due_at is not None and slot.due_at <= now:
                self._start(slot, now)
            if not slot.is_ready and not self._has_become_ready(slot, now):
                return  # the children after it wait

    def _start(self, slot: ProcessSlot, now: float) -> None:
        try:
            slot.start(now)
        except OSError as error:
            self._plan_restart(slot, f"cannot be started ({slot.child.argv[0]}: {error.strerror})", exit_code=1)
        else:
            self._record()

    def _has_become_ready(self, slot: ProcessSlot, now: float) -> bool:
        if slot.process is not None and slot.child.ready is not None and slot.child.ready():
            slot.is_ready = True
            return True
        waited = now - (slot.first_started_at or now)
        if waited > slot.child.ready_seconds or (slot.process is None and slot.due_at is None):
            self._say(f"{slot.name} was not ready within {waited:.0f} s")
            self._exit_code = self._exit_code or 1
            self.stop()
        return False

    def _listen(self) -> None:
        due = [slot.due_at for slot in self._slots if slot.process is None and slot.due_at is not None]
        soonest = min(due, default=float("inf")) - time.monotonic()
        # A child that waits for another to be ready is overdue.
        pause = min(soonest, _TICK_SECONDS) if soonest > 0 else _TICK_SECONDS
        for key, _ in self._selector.select(pause):
            key.data.listen()
        self._log.push()

    def _handle_exits(self) -> None:
        for slot in self._slots:
            if slot.is_dead():
                code = slot.clear()
                self._plan_restart(slot, describe_exit(code), exit_code=code if code >= 0 else 128 - code)
                self._record()

    def _plan_restart(self, slot: ProcessSlot, reason: str, exit_code: int) -> None:
        """After a process ended: plan the next start, or none."""
        now = time.monotonic()
        if self._stopping_since is not None:
            slot.due_at = None
        elif slot.child.restart:
            if now - slot.started_at >= self._healthy_seconds:
                slot.backoff_seconds = _FIRST_BACKOFF_SECONDS
            slot.due_at = now + slot.backoff_seconds
            self._restarts[slot.name] = self._restarts.get(slot.name, 0) + 1
            self._say(f"{slot.name} {reason}; starting it again in {slot.backoff_seconds:g} s")
            slot.backoff_seconds = min(_MAX_BACKOFF_SECONDS, slot.backoff_seconds * 2)
        else:
            slot.due_at = None
            self._say(f"{slot.name} {reason}")
            if slot.child.essential:
                self._exit_code = self._exit_code or exit_code
                self.stop()

    def _begin_to_stop(self, now: float) -> None:
        if self._stopping_since is None:
            self._stopping_since = now
            self._say("stopping")
            for slot in self._slots:
                slot.due_at = None

    def _stop_running(self, now: float, deadline: float) -> None:
        """Send each its signal, dependencies after their dependents; kill the processes that do not end in time."""
        running = [slot for slot in self._slots if slot.process is not None]
        top = max((slot.stage for slot in running), default=0)
        for slot in running:
            if slot.process is None:
                continue
            if slot.stop_sent_at is None:
                if slot.stage == top or now >= deadline:
                    slot.stop_sent_at = now
                    slot.process.terminate()
            elif now >= max(deadline, slot.stop_sent_at + _LATE_STOP_SECONDS):
                self._say(f"{slot.name} did not stop within {now - slot.stop_sent_at:.1f} s: killed")
                slot.process.kill()

    def _clean_up(self) -> None:
        """Kill what still runs and remove the files, also after an error in `run()`."""
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()
                slot.clear()
        self._selector.close()
        (self._directory / PROCESSES).unlink(missing_ok=True)
        (self._directory / RESTARTS).unlink(missing_ok=True)
        self._log.close()

    def _say(self, text: str) -> None:
        self._log.line(_OWN_NAME, text)

    def _record(self) -> None:
        pids = {slot.name: slot.process.pid for slot in self._slots if slot.process is not None}
        content = json.dumps({_SUPERVISOR: os.getpid(), **pids}, indent=1).encode()
        with suppress(OSError), replace_file(self._directory / PROCESSES) as file:
            file.write(content)  # a full disk must not stop the processes that run
        if self._restarts:
            with suppress(OSError), replace_file(self._directory / RESTARTS) as file:
                file.write(json.dumps(self._restarts).encode())

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Make SIGTERM, Ctrl-C and a closed terminal (unless under `nohup`) stop the supervisor."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = {signal.SIGTERM, signal.SIGINT}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.add(signal.SIGHUP)
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
