"""An installation whose events are applied in this process."""

import pytest

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import Consumer


@pytest.fixture
def stream(rt: Runtime) -> EventStream:
    made = EventStream(rt.redis)
    made.make_group()
    return made


@pytest.fixture
def consumer(rt: Runtime, stream: EventStream) -> Consumer:
    return Consumer(rt)
