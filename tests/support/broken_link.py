"""A network link that breaks: a TCP proxy that holds everything back until it is mended, as a network does."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

_READ_BYTES = 65_536


class Link:
    """Leads from a TCP port of loopback to a Unix socket. What is sent while it is cut arrives once it is mended."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Nothing passes any more, in either direction; nobody is told."""
        self._whole.clear()

    def mend(self) -> None:
        """Everything passes, also what waited."""
        self._whole.set()

    def close(self) -> None:
        self.mend()
        for one in (self._listener, *self._sockets):
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._sockets += [near, far]
                threading.Thread(target=self._join, args=(near, far), daemon=True).start()

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._whole.wait()
            far.connect(str(self._target))
            threading.Thread(target=self._pump, args=(far, near), daemon=True).start()
            self._pump(near, far)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_READ_BYTES):
                self._whole.wait()
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def links(*targets: Path) -> Iterator[list[Link]]:
    """A link to each of these sockets."""
    made = [Link(target) for target in targets]
    try:
        yield made
    finally:
        for link in made:
            link.close()
