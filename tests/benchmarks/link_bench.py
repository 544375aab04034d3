"""Clicks on tracked links, and what they cost webhooks: `python -m tests.benchmarks.link_bench [--rate R …] [--seconds S]
[--people N]`.

Everything is real: Redis with `appendfsync always`, the front server, the process that stores clicks, and a campaign with a link in
SQLite. Clicks come at a fixed rate over kept connections of this process, each of another person; times are from when each was
due, so that a server that falls behind shows it. Signed webhooks come beside them at a rate of their own; the first row is without
clicks.

`stored` are rows a little after the last click, `lost` are clicks without a redirect. `front ms` and `store ms` are what one click
(of the first row: one webhook) costs the front server and the process that stores clicks, in milliseconds of CPU.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop
from sqlalchemy import func, select

from models.clicks.codes import LinkSigner
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.db.migrate import upgrade_schema
from models.tables.campaign import CampaignStatus
from models.tables.click import Click
from models.tables.recipient import RecipientState
from tests.benchmarks.front_bench import EVENT, ROOT, SECRET, status, wait_for
from tests.benchmarks.ingest_bench import cpu_of
from tests.support import services
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.clicks import make_link
from tests.support.factories.contacts import make_contact
from tests.support.redis_server import RedisServer

CONNECTIONS = 32
EVENTS_A_SECOND = 100
AGENT = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"


class Times(NamedTuple):
    """Seconds from when each request was due to its answer, and how many were not answered as they should be."""

    answered: list[float]
    failed: int

    def percentile(self, part: float) -> float:
        """In milliseconds; infinite without an answer."""
        return sorted(self.answered)[int(len(self.answered) * part)] * 1000 if self.answered else float("inf")


class Served(NamedTuple):
    """What runs: its port, its processes, its database, and the codes of its people."""

    port: int
    front: int
    clicks: int
    database: Database
    codes: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, nargs="+", default=[0, 500, 1000, 2000], help="clicks a second")
    parser.add_argument("--seconds", type=float, default=10, help="of each row")
    parser.add_argument("--people", type=int, default=2_000)
    given = parser.parse_args()
    services.forget_inherited_settings()
    columns = (
        "clicks/s",
        "redirected",
        "lost",
        "stored",
        "p50 ms",
        "p99 ms",
        "front ms",
        "store ms",
        "webhook p50",
        "webhook p99",
    )
    print("".join(f"{name:>13}" for name in columns), flush=True)
    with tempfile.TemporaryDirectory(prefix="hark-bench-") as directory, served(Path(directory), given.people) as hark:
        for rate in given.rate:
            print("".join(f"{cell:>13}" for cell in measure(hark, rate, given.seconds)), flush=True)


def measure(hark: Served, rate: int, seconds: float) -> tuple[object, ...]:
    """One row of the table."""
    requests = [click_request(code) for code in hark.codes]

    before, cpu = stored(hark), (cpu_of([hark.front]), cpu_of([hark.clicks]))

    async def at_once() -> tuple[Times, Times]:
        one = ask(hark.port, requests, b"HTTP/1.1 302", rate, seconds)
        other = ask(hark.port, [EVENT], b"HTTP/1.1 200", EVENTS_A_SECOND, seconds)
        return await asyncio.gather(one, other)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        clicks, events = runner.run(at_once())
    with contextlib.suppress(TimeoutError):
        wait_until_stored(hark, before + len(clicks.answered))
    asked = len(clicks.answered) or len(events.answered)
    pids = zip((hark.front, hark.clicks), cpu, strict=True)
    front, consumer = (1000 * (cpu_of([pid]) - was) / asked for pid, was in pids)
    return (
        rate,
        len(clicks.answered),
        clicks.failed,
        stored(hark) - before,
        f"{clicks.percentile(0.5):.1f}",
        f"{clicks.percentile(0.99):.1f}",
        f"{front:.2f}",
        f"{consumer:.2f}",
        f"{events.percentile(0.5):.1f}",
        f"{events.percentile(0.99):.1f}",
    )


async def ask(port: int, requests: list[bytes], expected: bytes, rate: int, seconds: float) -> Times:
    """Send requests at a fixed rate: each connection every `CONNECTIONS`th."""
    begun, times = time.monotonic() + 0.1, Times([], 0)
    failed = 0

    async def send(first: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for place in range(first, int(rate * seconds), CONNECTIONS):
            due = begun + place / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(requests[place % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if b"Content-Length: 2\r\n" in head:
                await reader.readexactly(2)  # the answer to an event
            if head.startswith(expected):
                times.answered.append(time.monotonic() - due)
            else:
                failed += 1
        writer.close()

    await asyncio.gather(*(send(first) for first in range(min(CONNECTIONS, int(rate * seconds)))))
    return times._replace(failed=failed)


def click_request(code: str) -> bytes:
    return f"GET /l/{code} HTTP/1.1\r\nHost: bench\r\nUser-Agent: {AGENT}\r\n\r\n".encode()


def stored(hark: Served) -> int:
    with hark.database.read() as session:
        return session.scalar(select(func.count()).select_from(Click)) or 0


def wait_until_stored(hark: Served, count: int) -> None:
    """Raises TimeoutError if they are not there within 20 seconds."""
    deadline = time.monotonic() + 20
    while stored(hark) < count:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.2)


@contextlib.contextmanager
def served(place: Path, people: int) -> Iterator[Served]:
    """The front server and the consumer of clicks, with a campaign to so many people."""
    url = f"sqlite:///{place / 'hark.db'}"
    upgrade_schema(url)
    database = Database(url)
    with database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE)
        link = make_link(session, campaign)
        contacts = [make_contact(session, f"+3460{number:07d}") for number in range(people)]
        ids = [make_recipient(session, campaign, it, state=RecipientState.ACCEPTED).id for it in contacts]
        codes = [LinkSigner(link.id, link.key).code(recipient_id) for recipient_id in ids]
    redis = RedisServer(place / "redis", appendfsync="always")
    redis.start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"], "HARK_ENV_FILE": os.devnull, "DATABASE_URL": url, "REDIS_URL": redis.url,
        "SECRET_KEY": "bench" * 8, "ENCRYPTION_KEY": new_encryption_key(), "META_APP_SECRET": SECRET,
        "HARK_VAR_DIR": str(place / "var"),
    }  # fmt: skip
    programs = (["admin.front", "--port", str(port)], ["jobs.clicks"])
    children = [subprocess.Popen([sys.executable, "-m", *program], cwd=ROOT, env=environment) for program in programs]
    try:
        wait_for(lambda: status(port, b"GET /healthz HTTP/1.0\r\n\r\n") == 200)
        yield Served(port, children[0].pid, children[1].pid, database, codes)
    finally:
        for child in children:
            child.kill()
            child.wait(15)
        redis.stop()


if __name__ == "__main__":
    main()
