"""The endpoint while Redis is away, hangs or dies: Meta is told at once to send it again, and what got a 200 is kept."""

import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from bot.webhooks import whatsapp
from bot.webhooks.stream import EventStream
from bot.webhooks.whatsapp import (
    SILENT_SECONDS,
    make_endpoint,
)
from models.config import load_settings
from tests.support.proof import rounds
from tests.support.redis_server import RedisServer
from tests.support.running_hark import wait_for
from tests.support.services import temporary_directory
from tests.support.webhook_client import SECRET, client_of, post


@pytest.fixture
def deaf_redis() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock", "deaf"])
def test_without_redis_meta_is_told_to_send_it_again_within_a_second(url: str, deaf_redis: str, tmp_path: Any) -> None:
    url = deaf_redis if url == "deaf" else url
    environment = {"REDIS_URL": url, "META_APP_SECRET": SECRET, "HARK_VAR_DIR": str(tmp_path)}
    waits = []
    for _ in range(5):  # a busy machine makes some of them slower than the door is
        client = client_of(make_endpoint(load_settings(environment, tmp_path)))
        begun = time.monotonic()
        assert post(client) == 503
        waits.append(time.monotonic() - begun)
    assert min(waits) < 1


@pytest.mark.redis
@pytest.mark.process
def test_a_redis_that_hangs_holds_one_request_and_not_those_that_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(whatsapp, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with temporary_directory() as directory:
        server = RedisServer(directory, appendfsync="everysec")
        server.start()
        environment = {"REDIS_URL": server.url, "META_APP_SECRET": SECRET, "HARK_VAR_DIR": str(tmp_path)}
        door = make_endpoint(load_settings(environment, tmp_path))
        append = door.stream.append
        asked: list[bytes] = []

        def counted(raw: bytes) -> object:
            asked.append(raw)
            return append(raw)

        monkeypatch.setattr(door.stream, "append", counted)
        client = client_of(door)
        assert post(client) == 200
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert [post(client) for _ in range(20)] == [503] * 20
            assert len(asked) == 2
        finally:
            os.kill(server.pid, signal.SIGCONT)
        clock[0] += SILENT_SECONDS
        assert post(client) == 200
        server.stop()


@pytest.mark.redis
@pytest.mark.crash
def test_what_got_a_200_survives_a_killed_redis(tmp_path: Path) -> None:
    with temporary_directory() as directory:
        server = RedisServer(directory, appendfsync="always")
        server.start()
        environment = {"REDIS_URL": server.url, "META_APP_SECRET": SECRET, "HARK_VAR_DIR": str(tmp_path)}
        client = client_of(make_endpoint(load_settings(environment, tmp_path)))
        answers: dict[bytes, int] = {}
        over = threading.Event()

        def send(sender: int) -> None:
            for number in itertools.count():
                if over.is_set():
                    return
                body = b"%d-%d" % (sender, number)
                answers[body] = post(client, body=body)

        senders = [threading.Thread(target=send, args=(sender,)) for sender in range(3)]
        for thread in senders:
            thread.start()

        def wait_for_ten_more(status: int) -> None:
            def so_far() -> int:
                return list(answers.values()).count(status)

            before = so_far()
            wait_for(lambda: so_far() >= before + 10, 60, f"it answers {status}")

        for _ in range(rounds(3, 100)):
            wait_for_ten_more(200)
            os.kill(server.pid, signal.SIGKILL)
            wait_for_ten_more(503)
            server.start()
        wait_for_ten_more(200)
        over.set()
        for thread in senders:
            thread.join()
        with Redis.from_url(server.url) as redis:
            stream = EventStream(redis)
            stream.make_group()
            kept = {entry.raw for entry in stream.read("c", 10**6)}
        server.stop()
    assert set(answers.values()) == {200, 503}
    assert {body for body, status in answers.items() if status == 200} <= kept
