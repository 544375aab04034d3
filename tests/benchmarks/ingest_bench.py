"""How fast events come in: `python -m tests.benchmarks.ingest_bench [--events N] [--postgres] [--seconds S]`.

Everything is real: the front server, or granian with the product's own application, in a process, Redis with `appendfsync
always`, the ingest in a process; the client is this process. Each of many recipients has three statuses (sent, delivered, read),
in bodies of 1, 20 and 1,000.

    bare          a WSGI callable that verifies and appends, nothing else: the yardstick of the endpoint
    flask         the endpoint as a Flask view
    wsgi          the endpoint before Flask, as any WSGI server serves it
    front         the endpoint in the front server, as `flask up` serves it
    apply         the ingest, from a full stream
    together      front server and ingest at once, and the lag meanwhile
    paced         the same at a fixed rate of single events, both on one core at 1,000 a second; times from when each event was
                  due

CPU is the processes' own user and system time per event; on a machine with two cores the client takes one of them.
"""

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, insert, select, text

from bot.webhooks.signature import sign
from bot.webhooks.stream import KEY, EventStream
from bot.webhooks.whatsapp import PATH
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import lag
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.db.migrate import upgrade_schema
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, Contact
from models.tables.recipient import Recipient, RecipientState
from tests.support import services
from tests.support.factories.campaigns import make_campaign, make_number
from tests.support.postgres_server import PostgresMissingError, PostgresServer
from tests.support.redis_server import RedisServer

SECRET = "bench-secret"
PHONE_NUMBER_ID = "106540352242922"
CONNECTIONS = 32
PARTS = ("webhooks", "ingest")
RATES = (1_000, 3_000)
ONE_CORE_RATE = 1_000
ROOT = Path(__file__).parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
FULL_SECONDS = 120
_LENGTH = re.compile(rb"[Cc]ontent-[Ll]ength: ([0-9]+)")


@dataclass(frozen=True)
class Measured:
    what: str
    database: str
    size: int
    """Statuses in one body."""
    events: int
    seconds: float
    cpu: dict[str, float]
    p99_ms: float | None = None
    lag_seconds: float | None = None


@dataclass
class Bench:
    """One Redis, one database, and what each child is started with."""

    rt: Runtime
    database: str
    environment: dict[str, str]
    keys: list[int]

    def bodies(self, size: int, events: int) -> list[bytes]:
        """Each recipient's three statuses, in the order of their kind, `size` to a body."""
        people = self.keys[: max(1, events // 3)]
        items = [self._status(key, kind) for kind in ("sent", "delivered", "read") for key in people]
        return [_body(items[begin : begin + size]) for begin in range(0, len(items), size)]

    def _status(self, key: int, kind: str) -> dict[str, object]:
        return {
            "id": f"wamid.HBgLMzQ2MDAwMDAwMDAVAgARGBI{key:012d}",
            "status": kind,
            "timestamp": str(int(time.time())),
            "recipient_id": f"346{key:08d}",
            "recipient_user_id": f"ES.13491208{key:012d}",
            "biz_opaque_callback_data": f"h1:{self.rt.installation}:{key}:1",
            "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
        }

    def reset(self) -> None:
        """Every recipient as it was, the stream empty."""
        self.rt.redis.flushall()
        with self.rt.database.write() as session:
            session.execute(
                text(
                    "UPDATE recipient SET sent_at = NULL, delivered_at = NULL, read_at = NULL, pricing_category = NULL"
                )
            )

    def statuses(self) -> dict[str, int]:
        with self.rt.database.read() as session:
            counted = session.execute(select(Recipient.status, func.count()).group_by(Recipient.status))
            return {status: number for status, number in counted}  # noqa: C416


def _body(statuses: list[dict[str, object]]) -> bytes:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID}
    contacts = [{"profile": {"name": "Alice"}, "wa_id": item["recipient_id"]} for item in statuses]
    value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts, "statuses": statuses}
    change = {"value": value, "field": "messages"}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1022", "changes": [change]}]}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000, help="statuses of a batched run; single ones: a quarter")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL too")
    arguments = parser.parse_args()
    services.forget_inherited_settings()
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="hark-bench-") as directory:
        place = Path(directory)
        measured += run_all(f"sqlite:///{place / 'hark.db'}", "sqlite", place, arguments.events, with_endpoint=True)
        if arguments.postgres:
            with contextlib.suppress(PostgresMissingError), _postgres() as url:
                measured += run_all(url, "postgresql", place, arguments.events, with_endpoint=False)
    print_table(measured)


def run_all(url: str, database: str, place: Path, events: int, *, with_endpoint: bool) -> list[Measured]:
    with opened(url, database, place, events // 3) as bench:

        def some(size: int) -> int:
            return events if size > 1 else events // 4

        measured: list[Measured] = []
        if with_endpoint:
            for what in ("bare", "flask", "wsgi", "front"):
                measured += [measure_endpoint(bench, what, size, some(size)) for size in (1, 20, 1000)]
        measured += [measure_apply(bench, size, some(size)) for size in (1, 20, 1000)]
        measured += [measure_together(bench, size, some(size)) for size in (1, 20, 1000)]
        measured += [measure_together(bench, 1, min(events, 10 * rate), rate) for rate in RATES]
        return measured


@contextlib.contextmanager
def opened(url: str, database: str, place: Path, people: int) -> Iterator[Bench]:
    upgrade_schema(url)
    server = RedisServer(place / "redis", appendfsync="always")
    server.start()
    key = new_encryption_key()
    rt = Runtime(Settings(url, server.url, place, encryption_keys=(key,), secret_key="bench"))
    environment = {
        "PATH": os.environ["PATH"], "HARK_ENV_FILE": os.devnull, "DATABASE_URL": url, "REDIS_URL": server.url,
        "SECRET_KEY": "bench" * 8, "ENCRYPTION_KEY": key, "META_APP_SECRET": SECRET, "META_VERIFY_TOKEN": "x",
        "HARK_VAR_DIR": str(place / "var"),
    }  # fmt: skip
    try:
        yield Bench(rt, database, environment, seed(rt, people))
    finally:
        rt.close()
        server.stop()


@contextlib.contextmanager
def _postgres() -> Iterator[str]:
    server = PostgresServer(is_durable=True)
    try:
        server.start()
        yield server.url()
    finally:
        server.close()


def seed(rt: Runtime, people: int) -> list[int]:
    """Accepted recipients of one campaign, and a person for each."""
    now = utcnow()
    with rt.database.write() as session:
        number = make_number(session, phone_number_id=PHONE_NUMBER_ID, display_phone="+15550783881")
        campaign_id = make_campaign(session, number, status=CampaignStatus.ACTIVE).id
        person = {
            "consent": Consent.SUBSCRIBED, "attributes": {}, "name": "A", "has_identity": False, "undeliverable_count": 0,
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        contacts = [person | {"phone": f"+346{n:08d}", "person_key": f"wa:346{n:08d}"} for n in range(people)]
        session.execute(insert(Contact), contacts)
        ids = session.scalars(select(Contact.id).order_by(Contact.id)).all()
        row = {
            "campaign_id": campaign_id,
            "state": RecipientState.ACCEPTED,
            "attempts": 1,
            "accepted_at": now,
            "queued_at": now,
        }
        rows = [row | {"contact_id": key, "person_key": f"k{key}"} for key in ids]
        session.execute(insert(Recipient), rows)
        keys = list(session.scalars(select(Recipient.id).order_by(Recipient.id)))
        for key in keys:
            session.execute(
                text("UPDATE recipient SET wamid = :wamid WHERE id = :key"),
                {"wamid": f"wamid.HBgLMzQ2MDAwMDAwMDAVAgARGBI{key:012d}", "key": key},
            )
    if not rt.database.is_sqlite:
        with rt.database.write_engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return keys


def measure_endpoint(bench: Bench, what: str, size: int, events: int) -> Measured:
    bench.reset()
    bodies = bench.bodies(size, events)
    with web(bench, what) as (port, pids):
        post_all(port, bodies[:64])
        begun, before = time.perf_counter(), cpu_of(pids)
        times = post_all(port, bodies)
        seconds, used = time.perf_counter() - begun, cpu_of(pids) - before
    return Measured(what, "", size, events, seconds, {"webhooks": used}, p99_ms=percentile(times, 0.99) * 1000)


def measure_apply(bench: Bench, size: int, events: int) -> Measured:
    bench.reset()
    stream = EventStream(bench.rt.redis)
    stream.make_group()
    pipeline = bench.rt.redis.pipeline(transaction=False)
    for place, body in enumerate(bench.bodies(size, events)):
        pipeline.xadd(KEY, {"b": body})
        if place % 500 == 499:
            pipeline.execute()
    pipeline.execute()
    with ingest(bench) as pid:
        wait_for(lambda: stream.backlog().events < events / size)
        begun, before, left = time.perf_counter(), cpu_of([pid]), stream.backlog().events
        wait_for(lambda: int(bench.rt.redis.xlen(KEY)) == 0)
        seconds, used = time.perf_counter() - begun, cpu_of([pid]) - before
    applied = left * size
    check(bench, events)
    return Measured("apply", bench.database, size, applied, seconds, {"ingest": used})


def measure_together(bench: Bench, size: int, events: int, rate: int | None = None) -> Measured:
    """As fast as it goes, or at `rate` bodies a second."""
    events -= events % 3
    bench.reset()
    EventStream(bench.rt.redis).make_group()
    bodies = bench.bodies(size, events)
    most = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            most[0] = max(most[0], lag(bench.rt).seconds)

    with web(bench, "front") as (port, pids), ingest(bench) as pid:
        wait_for(lambda: lag(bench.rt).is_alive)
        if rate == ONE_CORE_RATE:
            for process in (*pids, pid):
                os.sched_setaffinity(process, {min(os.sched_getaffinity(0))})
        watcher = threading.Thread(target=watch)
        watcher.start()
        begun, before = time.perf_counter(), (cpu_of(pids), cpu_of([pid]))
        times = post_all(port, bodies, rate)
        wait_for(lambda: int(bench.rt.redis.xlen(KEY)) == 0)
        seconds = time.perf_counter() - begun
        cpu = {"webhooks": cpu_of(pids) - before[0], "ingest": cpu_of([pid]) - before[1]}
        done.set()
        watcher.join()
    check(bench, events)
    p99 = percentile(times, 0.99) * 1000
    return Measured(
        "paced" if rate else "together", bench.database, size, events, seconds, cpu, p99_ms=p99, lag_seconds=most[0]
    )


def check(bench: Bench, events: int) -> None:
    """Fast and wrong would be worthless."""
    found = bench.statuses()
    if found.get("read") != events // 3:
        raise SystemExit(f"{events // 3} people read it, but the table says {found}")


@contextlib.contextmanager
def web(bench: Bench, what: str) -> Iterator[tuple[int, list[int]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    target = {"bare": "tests.benchmarks.bare_endpoint:app", "flask": "tests.benchmarks.flask_endpoint:app"}.get(what)
    if target is None:
        program = "admin.front" if what == "front" else "admin.web"
        argv = [sys.executable, "-m", program, "--host", "127.0.0.1", "--port", str(port)]
    else:
        argv = [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
            "--blocking-threads", "4", "--no-ws", "--log-level", "warning", target,
        ]  # fmt: skip
    child = subprocess.Popen(argv, cwd=ROOT, env=bench.environment)
    try:
        wait_for(lambda: answers(port))
        yield port, tree(child.pid)
    finally:
        child.terminate()
        child.wait(15)


@contextlib.contextmanager
def ingest(bench: Bench) -> Iterator[int]:
    child = subprocess.Popen([sys.executable, "-m", "jobs.ingest"], cwd=ROOT, env=bench.environment)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(15)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.2):
            return True
    except OSError:
        return False


def post_all(port: int, bodies: Sequence[bytes], rate: int | None = None) -> list[float]:
    """Every body over a few kept connections; how long each took (at a `rate`: from when it was due). All but 200 ends it."""
    requests = [
        b"POST %b HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Hub-Signature-256: %b\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (PATH.encode(), sign(SECRET, body).encode(), len(body), body)
        for body in bodies
    ]
    times: list[float] = []
    failed: list[bytes] = []
    queue = enumerate(requests)
    lock = threading.Lock()
    started = time.perf_counter()

    def post() -> None:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    place, request = next(queue, (0, None))
                if request is None or failed:
                    return
                begun = time.perf_counter()
                if rate:
                    due = started + place / rate
                    time.sleep(max(0.0, due - begun))
                    begun = due
                connection.sendall(request)
                reply = whole_reply(connection)
                times.append(time.perf_counter() - begun)
                if not reply.startswith(b"HTTP/1.1 200"):
                    failed.append(reply[:40])

    threads = [threading.Thread(target=post) for _ in range(min(CONNECTIONS, len(requests)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed or len(times) != len(bodies):
        raise SystemExit(f"not every event was taken: {failed[:1]}")
    return times


def whole_reply(connection: socket.socket) -> bytes:
    reply = b""
    while True:
        head, end, body = reply.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            return reply
        piece = connection.recv(4096)
        if not piece:
            return reply
        reply += piece


def tree(pid: int) -> list[int]:
    """The process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in tree(int(child)))]


def cpu_of(pids: Sequence[int]) -> float:
    """User and system time so far."""
    used = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICKS


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FULL_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("it took too long")
        time.sleep(0.01)


def percentile(times: Sequence[float], part: float) -> float:
    return sorted(times)[int(len(times) * part)] if times else 0.0


def print_table(measured: Sequence[Measured]) -> None:
    head = (
        "what",
        "database",
        "in a body",
        "events",
        "events/s",
        "CPU ms/event",
        "webhooks",
        "ingest",
        "p99 ms",
        "most lag s",
    )
    print("".join(f"{name:>13}" for name in head))
    for one in measured:
        per_event = {name: used / one.events * 1000 for name, used in one.cpu.items()}
        cells = (
            one.what, one.database, f"{one.size:,}", f"{one.events:,}", f"{one.events / one.seconds:,.0f}",
            *(f"{figure:.4f}" if figure is not None else "" for figure in (sum(per_event.values()), *map(per_event.get, PARTS))),
            f"{one.p99_ms:.1f}" if one.p99_ms is not None else "",
            f"{one.lag_seconds:.2f}" if one.lag_seconds is not None else "",
        )  # fmt: skip
        print("".join(f"{cell:>13}" for cell in cells))


if __name__ == "__main__":
    main()
