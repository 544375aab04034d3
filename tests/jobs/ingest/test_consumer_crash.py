"""The ingest process: whatever dies or goes away meanwhile, nothing is lost."""

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import func, select

from bot.webhooks.stream import GROUP, KEY, EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import lag
from models.tables.recipient import Recipient
from tests.support import services
from tests.support.dead_letters import letters
from tests.support.ingest_rig import Process, seed, settings_of, status_body, tally, until
from tests.support.postgres_server import PostgresServer
from tests.support.proof import dice, rounds
from tests.support.redis_server import RedisServer
from tests.support.services import prepare_schema


@pytest.fixture
def start(rt: Runtime) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def begin() -> Process:
        started.append(Process(rt.settings))
        return started[-1]

    yield begin
    for process in started:
        if process.child.poll() is None:
            process.stop(signal.SIGKILL)


@pytest.mark.crash
@pytest.mark.sqlite_unless_proved
def test_killed_again_and_again_it_loses_nothing(
    rt: Runtime, stream: EventStream, start: Callable[[], Process]
) -> None:
    keys = seed(rt, 200)
    items = [(key, f"w{place}", kind) for kind in ("read", "sent", "delivered") for place, key in enumerate(keys)]
    for item in items:
        stream.append(status_body(rt, item))

    def consumers() -> int:
        return len(stream.redis.xinfo_consumers(KEY, GROUP))

    def reads_since(former: int) -> bool:
        return consumers() > former

    chance = dice(5)
    for wait in rounds((0.0, 0.1, 0.2), tuple(chance.uniform(0.0, 0.6) for _ in range(100))):
        former = consumers()
        process = start()
        until(partial(reads_since, former))
        time.sleep(wait)
        process.stop(signal.SIGKILL)
        for item in items[::10]:
            stream.append(status_body(rt, item))
    last = start()
    until(lambda: stream.backlog().events == 0, rounds(90, 300))
    assert last.stop() == 0
    assert tally(rt) == {"read": 200}
    with rt.database.read() as session:
        whole = (Recipient.sent_at.is_not(None), Recipient.delivered_at.is_not(None), Recipient.read_at.is_not(None))
        assert session.scalar(select(func.count()).select_from(Recipient).where(*whole)) == 200
    assert letters(rt) == []


@pytest.mark.redis
@pytest.mark.crash
def test_redis_may_die_and_come_back(sqlite_url: str, tmp_path: Path) -> None:
    with services.temporary_directory() as directory:
        server = RedisServer(directory, appendfsync="always")
        server.start()
        rt = Runtime(settings_of(sqlite_url, server.url, tmp_path))
        keys = seed(rt, 60)
        stream = EventStream(rt.redis)
        stream.make_group()
        process = Process(rt.settings)
        try:
            for place, key in enumerate(keys[:30]):
                stream.append(status_body(rt, (key, f"w{place}", "read")))
            until(lambda: lag(rt).is_alive)
            server.stop()
            time.sleep(1)
            assert process.child.poll() is None
            server.start()
            for place, key in enumerate(keys[30:], 30):
                stream.append(status_body(rt, (key, f"w{place}", "read")))
            until(lambda: tally(rt) == {"read": 60})
            assert process.stop() == 0
        finally:
            if process.child.poll() is None:
                process.stop(signal.SIGKILL)
            rt.close()
            server.stop()


@pytest.mark.postgres
@pytest.mark.crash
def test_the_database_may_die_and_come_back_and_no_payload_is_blamed(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    try:
        server = PostgresServer()
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"no PostgreSQL: {type(error).__name__}")
    try:
        server.start()
        prepare_schema(server.url())
        rt = Runtime(settings_of(server.url(), redis_url, tmp_path))
        keys = seed(rt, 40)
        stream = EventStream(rt.redis)
        stream.make_group()
        process = Process(rt.settings)
        try:
            until(lambda: lag(rt).is_alive)
            bodies = [status_body(rt, (key, f"w{place}", "read")) for place, key in enumerate(keys)]
            server.stop()
            for body in bodies:
                stream.append(body)
            time.sleep(3)
            assert (process.child.poll(), stream.backlog().events, lag(rt).is_alive) == (None, 40, True)
            server.start()
            until(lambda: stream.backlog().events == 0)
            assert (tally(rt), letters(rt)) == ({"read": 40}, [])
            assert process.stop() == 0
        finally:
            if process.child.poll() is None:
                process.stop(signal.SIGKILL)
            rt.close()
    finally:
        server.close()
