"""Redis' file loses what was deleted in Redis: after a redaction, and every hour."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.erasure import redis_file
from jobs.erasure.redis_file import ask_for_rewrite, rewrite_now, rewrite_when_due
from models.config import Settings
from models.crypto import new_encryption_key
from tests.support.redis_server import RedisServer
from tests.support.services import temporary_directory

SAID = b'{"from": "34600000001", "name": "Alice Example", "text": "my secret shoe size"}'


@pytest.fixture
def own_redis() -> Iterator[tuple[Runtime, Path]]:
    """A Redis of its own with its directory: what an earlier test left is not in its file."""
    with temporary_directory() as directory:
        server = RedisServer(directory)
        server.start()
        settings = Settings("sqlite:////nowhere/x.db", server.url, directory, encryption_keys=(new_encryption_key(),))
        rt = Runtime.__new__(Runtime)
        rt.settings = settings
        yield rt, directory
        rt.redis.close()
        server.stop()


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def say_and_apply(redis: Redis, times: int = 50) -> None:
    stream = EventStream(redis)
    stream.make_group()
    for _ in range(times):
        stream.append(SAID)
    stream.finish([entry.id for entry in stream.read("one", times)])


@pytest.mark.process
def test_what_was_applied_is_in_the_file_until_it_is_written_anew(own_redis: tuple[Runtime, Path]) -> None:
    rt, directory = own_redis
    say_and_apply(rt.redis)
    rt.redis.set("hark:epoch", "kept")
    assert b"Alice Example" in on_disk(directory)
    assert rewrite_now(rt, wait_seconds=20)
    assert not any(word in on_disk(directory) for word in (b"Alice", b"34600000001", b"secret shoe"))
    assert rt.redis.get("hark:epoch") == b"kept"


@pytest.mark.process
def test_the_schedule_writes_it_every_hour_and_soon_after_a_redaction(
    own_redis: tuple[Runtime, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rt, _ = own_redis
    asked: list[int] = []
    monkeypatch.setattr(rt.redis, "bgrewriteaof", lambda: asked.append(1))

    def is_written() -> bool:
        asked.clear()
        rewrite_when_due(rt)
        return asked != []

    assert is_written()  # nobody knows when it was written last
    assert not is_written()
    rt.redis.hset(redis_file.KEY, "done_at", str(time.time() - 3601))
    assert is_written()
    ask_for_rewrite(rt)
    assert not is_written()
    rt.redis.hset(redis_file.KEY, "again_at", str(time.time() - 1))
    assert is_written()
    assert not is_written()


@pytest.mark.process
def test_what_was_asked_for_while_redis_writes_is_done_later(
    own_redis: tuple[Runtime, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rt, _ = own_redis

    def is_busy() -> None:
        raise ResponseError("Background append only file rewriting already in progress")

    rt.redis.hset(redis_file.KEY, mapping={"again_at": str(time.time() - 1), "done_at": str(time.time())})
    monkeypatch.setattr(rt.redis, "bgrewriteaof", is_busy)
    assert not rewrite_when_due(rt)
    assert rt.redis.hget(redis_file.KEY, "again_at") is not None


@pytest.mark.process
def test_a_redis_that_refuses_or_keeps_no_file_is_left_alone(
    own_redis: tuple[Runtime, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rt, _ = own_redis

    def refuses(*_: object) -> None:
        raise ResponseError("unknown command 'BGREWRITEAOF'")

    monkeypatch.setattr(rt.redis, "bgrewriteaof", refuses)
    assert not rewrite_now(rt)
    assert not rewrite_now(rt)
    assert caplog.text.count("does not write its file anew") == 1
    monkeypatch.setattr(rt.redis, "info", lambda _section: {"aof_enabled": 0})
    assert not rewrite_now(rt)
