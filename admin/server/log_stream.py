"""Writes the log lines of many processes to one terminal, each after the name of its process."""

import contextlib
import errno
import os
import select
import time
from collections.abc import Iterable
from typing import TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # cyan, yellow, green, magenta, blue; then bright ones
_WAITING_BYTES = 1 << 20
_CHUNK_BYTES = 4096  # a pipe that is writable takes at least this much without blocking
# A log line may quote a message from outside: its control characters must not reach the terminal.
_HARMLESS = {code: "·" for code in [*range(32), *range(127, 160)] if chr(code) not in "\t\r"} | {ord("\r"): ""}


class LogStream:
    """Never blocks: with a stopped terminal or a slow reader lines are dropped and counted, and no process stops."""

    def __init__(self, out: TextIO, names: Iterable[str]) -> None:
        names = list(names)
        width = max(map(len, names), default=0)
        coloured = out.isatty()
        self._prefixes = {
            name: f"\x1b[{_COLOURS[place % len(_COLOURS)]}m{name:<{width}} |\x1b[0m "
            if coloured
            else f"{name:<{width}} | "
            for place, name in enumerate(names)
        }
        self._out = out
        self._waiting = bytearray()
        self._left_out = 0
        self.is_closed = False  # True: the reader has closed the pipe or terminal
        out.flush()
        self._descriptor, self._is_own = _unblocked(out)

    def line(self, name: str, text: str) -> None:
        """Add a line of the process `name`; `push` writes it. Dropped while over 1 MiB waits."""
        if len(self._waiting) > _WAITING_BYTES:
            self._left_out += 1
            return
        if self._left_out:
            self._add(name, f"({self._left_out} lines were left out here: nobody read them)")
            self._left_out = 0
        self._add(name, text.translate(_HARMLESS))

    def push(self) -> None:
        """Write as much as the reader accepts without waiting."""
        if self._descriptor is None:
            self._out.write(self._waiting.decode())
            self._waiting.clear()
            return
        while self._waiting and self._write(self._descriptor, seconds=0):
            pass

    def close(self, seconds: float = 1) -> None:
        """Write the rest, as far as the reader accepts it within `seconds`."""
        deadline = time.monotonic() + seconds
        self.push()
        while self._waiting and self._descriptor is not None and time.monotonic() < deadline:
            if not self._write(self._descriptor, max(0, deadline - time.monotonic())):
                break
        if self._is_own and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor, self._is_own = None, False

    def _add(self, name: str, text: str) -> None:
        self._waiting += f"{self._prefixes[name]}{text}\n".encode(errors="replace")

    def _write(self, descriptor: int, seconds: float) -> bool:
        """Write a chunk. Return False if the reader accepts nothing within `seconds`."""
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        if not poll.poll(seconds * 1000):
            return False
        try:
            written = os.write(descriptor, self._waiting[:_CHUNK_BYTES])
        except BlockingIOError:
            return False
        except OSError as error:  # a closed pipe or terminal, a full disk: the work goes on without a log
            self.is_closed = self.is_closed or error.errno in {errno.EPIPE, errno.EIO}
            self._waiting.clear()
            return True
        del self._waiting[:written]
        return True


def _unblocked(out: TextIO) -> tuple[int | None, bool]:
    """Return the descriptor to write to (None for an object without one), and whether LogStream has to close it.

    A terminal with room for one byte counts as writable, and then blocks for the rest. It is opened once more, since setting
    O_NONBLOCK on the descriptor would affect every process with this terminal, the user's shell included.
    """
    try:
        descriptor = out.fileno()
    except OSError:
        return None, False
    if out.isatty():
        with contextlib.suppress(OSError):
            return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), True
    return descriptor, False
