"""Events of many requests in one round trip to Redis."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bot.webhooks.event_writer import BATCH_BYTES, EventWriter, make_event_writer
from bot.webhooks.stream import EventStream, StreamUnavailableError
from models.config import Settings


def run_with_writer(redis_url: str, work: Callable[[EventWriter], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        writer = make_event_writer(Settings("sqlite://", redis_url, Path()))
        try:
            return await work(writer)
        finally:
            await writer.close()

    return asyncio.run(run())


async def outcomes(appends: list[Coroutine[Any, Any, None]]) -> list[str]:
    results = await asyncio.gather(*appends, return_exceptions=True)
    return ["kept" if result is None else type(result).__name__ for result in results]


def test_what_comes_at_once_is_kept_in_order(redis: Redis, redis_url: str) -> None:
    stream = EventStream(redis)
    bodies = [b"%d" % number for number in range(1_000)]

    async def work(writer: EventWriter) -> list[str]:
        return await outcomes([writer.append(stream, body) for body in bodies])

    before = redis.info("stats")["total_reads_processed"]
    assert run_with_writer(redis_url, work) == ["kept"] * 1_000
    assert redis.info("stats")["total_reads_processed"] - before < 500, "a round trip is shared"
    stream.make_group()
    assert [entry.raw for entry in stream.read("c", 2_000)] == bodies


def test_at_the_bound_only_what_fits_is_kept(redis: Redis, redis_url: str) -> None:
    full, other = EventStream(redis, bound=2), EventStream(redis, key="other")

    async def work(writer: EventWriter) -> list[str]:
        return await outcomes([writer.append(stream, b"x") for stream in (full, full, full, other)])

    assert run_with_writer(redis_url, work) == ["kept", "kept", "StreamUnavailableError", "kept"]


def test_a_body_larger_than_a_batch_goes_alone(redis: Redis, redis_url: str) -> None:
    stream = EventStream(redis)

    async def work(writer: EventWriter) -> list[str]:
        return await outcomes([writer.append(stream, b"x" * size) for size in (1, BATCH_BYTES + 1, 1)])

    assert run_with_writer(redis_url, work) == ["kept"] * 3


def test_a_full_redis_refuses_and_later_takes_again(redis: Redis, redis_url: str) -> None:
    stream = EventStream(redis)

    async def work(writer: EventWriter) -> list[str]:
        redis.config_set("maxmemory", 1)
        try:
            refused = await outcomes([writer.append(stream, b"x")])
        finally:
            redis.config_set("maxmemory", 0)
        return refused + await outcomes([writer.append(stream, b"x")])

    assert run_with_writer(redis_url, work) == ["StreamUnavailableError", "kept"]


def test_a_redis_that_hangs_is_given_up_once_for_all_who_wait(redis: Redis) -> None:
    stream = EventStream(redis)
    with socket.create_server(("127.0.0.1", 0)) as silent:

        async def work(writer: EventWriter) -> float:
            begun = time.monotonic()
            assert await outcomes([writer.append(stream, b"x") for _ in range(600)]) == ["StreamUnavailableError"] * 600
            waited = time.monotonic() - begun
            with pytest.raises(StreamUnavailableError, match="just now"):
                await writer.append(stream, b"x")
            return waited

        assert run_with_writer(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", work) < 10


def test_a_request_that_is_over_hinders_no_other(redis: Redis, redis_url: str) -> None:
    stream = EventStream(redis)

    async def work(writer: EventWriter) -> list[str]:
        gone = asyncio.create_task(writer.append(stream, b"gone"))
        await asyncio.sleep(0)
        gone.cancel()
        return await outcomes([writer.append(stream, b"x") for _ in range(3)])

    assert run_with_writer(redis_url, work) == ["kept"] * 3
