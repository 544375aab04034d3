"""People who write to a number, and a Meta that says what it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from bot.outbound.client import OutboundHttpClient
from bot.outbound.rules import OutboundRules
from jobs.replies.dispatcher import ReplyDispatcher
from tests.support.chat_rig import Chat, chatting
from tests.support.tls_server import Outsider, outsider


@pytest.fixture
def chat(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Chat]:
    with chatting(database_url, redis_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def other_system(chat: Chat, tmp_path: Path) -> Iterator[Outsider]:
    """Somebody else's system, and a desk that may call it."""
    with outsider(tmp_path) as found:
        chat.desk.close()
        chat.desk = ReplyDispatcher(
            chat.rt,
            chat.desk._graph(),
            OutboundHttpClient(OutboundRules(is_public=lambda _address: True), tls=found.tls),
        )
        yield found
