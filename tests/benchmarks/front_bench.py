"""How long signed webhooks wait behind slow clients: `python -m tests.benchmarks.front_bench [--seconds S] [--rate R] [--slow N]
[--servers wsgi front]`.

Everything is real: Redis with `appendfsync always`, and the product as `flask up` runs it (front: the front server, and granian
with the panel behind it) or as one WSGI server (wsgi: granian alone with everything). Events come at a fixed rate over a few
kept connections of this process; times are from when each event was due.

    quiet         nobody else
    heads         N clients that send their headers a byte a second
    bodies        N clients that send the body of a webhook a byte a second
    forms         N clients that send the body of a sign-in a byte a second
    readers       N clients that ask for the largest file of the panel again and again and read none of it
    all           all of these at once, a quarter of N each
    busy          every thread of the panel is blocked

`lost` are events without an answer of 200 within five seconds. The last column is the p99 against the same server's quiet run.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from admin.web import BACKPRESSURE
from bot.webhooks.signature import sign
from models.crypto import new_encryption_key
from models.db.migrate import upgrade_schema
from tests.support import services
from tests.support.redis_server import RedisServer

SECRET = "bench-secret"
ROOT = Path(__file__).parent.parent.parent
CONNECTIONS = 8
LATE_SECONDS = 5.0
START_SECONDS = 120
ASSET = "/admin/static/bootstrap/bootstrap4/swatch/default/bootstrap.min.css"
BODY = b'{"object":"whatsapp_business_account","entry":[]}'
EVENT = (
    b"POST /webhooks/whatsapp HTTP/1.1\r\nHost: bench\r\nX-Hub-Signature-256: %b\r\nContent-Length: %d\r\n\r\n%b"
    % (sign(SECRET, BODY).encode(), len(BODY), BODY)
)
FORM = b"POST /admin/sign-in HTTP/1.1\r\nHost: bench\r\nContent-Length: 500\r\n\r\n"
KINDS = {
    "heads": b"POST /webhooks/whatsapp HTTP/1.1\r\nX-Slow: ",
    "bodies": EVENT[: -len(BODY)],
    "forms": FORM,
    "readers": f"GET {ASSET} HTTP/1.1\r\nHost: bench\r\n\r\n".encode() * 20,
}


@dataclass
class Measured:
    server: str
    what: str
    times: list[float] = field(default_factory=list)
    lost: int = 0

    def percentile(self, part: float) -> float:
        return sorted(self.times)[int(len(self.times) * part)] * 1000 if self.times else float("inf")


class SlowClients:
    """Clients of one kind, each of which comes back when it is sent away."""

    def __init__(self, port: int, kind: str, count: int) -> None:
        self._port, self._kind, self._count = port, kind, count
        self._is_over = threading.Event()
        self._clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "SlowClients":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for client in self._clients:
            client.close()

    def _run(self) -> None:
        self._clients = [self._connected() for _ in range(self._count)]
        while not self._is_over.wait(1):
            for place, client in enumerate(self._clients):
                try:
                    if self._kind != "readers":
                        client.send(b"x")
                    elif self._has_ended(client):
                        raise ConnectionError
                except (OSError, ConnectionError):
                    client.close()
                    self._clients[place] = self._connected()

    def _connected(self) -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(1)
        with contextlib.suppress(OSError):
            client.connect(("127.0.0.1", self._port))
            client.send(KINDS[self._kind])
        return client

    @staticmethod
    def _has_ended(client: socket.socket) -> bool:
        with contextlib.suppress(BlockingIOError):
            return not client.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each run")
    parser.add_argument("--rate", type=int, default=100, help="events a second")
    parser.add_argument("--slow", type=int, default=200, help="slow clients")
    parser.add_argument("--servers", nargs="+", choices=("wsgi", "front"), default=["wsgi", "front"])
    given = parser.parse_args()
    services.forget_inherited_settings()
    with tempfile.TemporaryDirectory(prefix="hark-bench-") as directory:
        print_table(
            measure(Path(directory) / server / what, server, what, given)
            for server in given.servers
            for what in ("quiet", *KINDS, "all", "busy")
        )


def measure(place: Path, server: str, what: str, given: argparse.Namespace) -> Measured:
    place.mkdir(parents=True)
    with served(place, server) as port, contextlib.ExitStack() as stack:
        kinds = KINDS if what == "all" else [what] if what in KINDS else []
        for kind in kinds:
            stack.enter_context(SlowClients(port, kind, given.slow // len(kinds)))
        if what == "busy":
            stack.enter_context(blocked_threads(port))
        if what != "quiet":
            time.sleep(2)  # they are all there
        return post_events(Measured(server, what), port, given.rate, given.seconds)


@contextlib.contextmanager
def served(place: Path, server: str) -> Iterator[int]:
    """The product on a port."""
    url = f"sqlite:///{place / 'hark.db'}"
    upgrade_schema(url)
    redis = RedisServer(place / "redis", appendfsync="always")
    redis.start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"], "HARK_ENV_FILE": os.devnull, "DATABASE_URL": url, "REDIS_URL": redis.url,
        "SECRET_KEY": "bench" * 8, "ENCRYPTION_KEY": new_encryption_key(), "META_APP_SECRET": SECRET,
        "HARK_VAR_DIR": str(place / "var"),
    }  # fmt: skip
    panel = ["tests.benchmarks.busy_panel"]
    programs = [[*panel, str(port)]] if server == "wsgi" else [panel, ["admin.front", "--port", str(port)]]
    children = [subprocess.Popen([sys.executable, "-m", *program], cwd=ROOT, env=environment) for program in programs]
    try:
        wait_for(lambda: status(port, f"GET {ASSET} HTTP/1.0\r\n\r\n".encode()) == 200)
        yield port
    finally:
        for child in children:
            child.kill()  # the blocked threads would not end
            child.wait(15)
        redis.stop()


@contextlib.contextmanager
def blocked_threads(port: int) -> Iterator[None]:
    """More requests than the panel has threads, none of which ends."""
    with contextlib.ExitStack() as stack:
        for _ in range(min(40, BACKPRESSURE)):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), LATE_SECONDS))
            client.sendall(b"GET /block HTTP/1.1\r\nHost: bench\r\n\r\n")
        yield


def post_events(measured: Measured, port: int, rate: int, seconds: float) -> Measured:
    """Each connection posts every `CONNECTIONS`th event at its time."""
    begun = time.monotonic() + 0.1
    lock = threading.Lock()

    def post(first: int) -> None:
        client: socket.socket | None = None
        for place in range(first, int(rate * seconds), CONNECTIONS):
            due = begun + place / rate
            if time.monotonic() > begun + seconds + LATE_SECONDS:
                with lock:
                    measured.lost += 1
                continue
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                client = client or socket.create_connection(("127.0.0.1", port), LATE_SECONDS)
                client.sendall(EVENT)
                is_taken = client.recv(4096).startswith(b"HTTP/1.1 200")
            except OSError:
                is_taken = False
            with lock:
                if is_taken:
                    measured.times.append(time.monotonic() - due)
                else:
                    measured.lost += 1
            if not is_taken and client is not None:
                client.close()
                client = None

    threads = [threading.Thread(target=post, args=(first,)) for first in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return measured


def status(port: int, request: bytes) -> int:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.sendall(request)
            return int(client.recv(64).split(b" ")[1])
    except (OSError, IndexError, ValueError):
        return 0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the server did not start")
        time.sleep(0.1)


def print_table(measured: Iterable[Measured]) -> None:
    """Each row as it comes."""
    names = ("server", "clients", "taken", "lost", "p50 ms", "p99 ms", "to quiet")
    print("".join(f"{name:>12}" for name in names), flush=True)
    quiet = 0.0
    for one in measured:
        p50, p99 = one.percentile(0.5), one.percentile(0.99)
        quiet = p99 if one.what == "quiet" else quiet
        cells = (one.server, one.what, len(one.times), one.lost, f"{p50:.1f}", f"{p99:.1f}", f"{p99 / quiet:.1f}")
        print("".join(f"{cell:>12}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
