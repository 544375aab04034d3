"""People who write to a number, and a Meta that says what it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.chat_rig import Chat, chatting


@pytest.fixture
def chat(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Chat]:
    with chatting(database_url, redis_url, tmp_path) as opened:
        yield opened
