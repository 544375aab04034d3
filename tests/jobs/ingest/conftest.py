"""An installation whose events are applied in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest.consumer import Consumer
from tests.support.ingest_rig import settings_of


@pytest.fixture
def rt(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(settings_of(database_url, redis_url, tmp_path))
    yield made
    made.close()
    SHUTDOWN.clear()


@pytest.fixture
def stream(rt: Runtime) -> EventStream:
    made = EventStream(rt.redis)
    made.make_group()
    return made


@pytest.fixture
def consumer(rt: Runtime, stream: EventStream) -> Consumer:
    return Consumer(rt)
