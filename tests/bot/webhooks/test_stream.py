"""The stream between the webhook and the ingest."""

import time

import pytest
from redis import Redis

from bot.webhooks.stream import BODY, GROUP, KEY, Entry, EventStream, StreamUnavailableError


@pytest.fixture(params=[2, 3])
def stream(redis: Redis, redis_url: str, request: pytest.FixtureRequest) -> EventStream:
    """With either of Redis's protocols."""
    return EventStream(Redis.from_url(redis_url, protocol=request.param))


def raws(entries: list[Entry]) -> list[bytes]:
    return [entry.raw for entry in entries]


def test_what_was_appended_is_read_once_and_goes_when_it_is_finished(stream: EventStream) -> None:
    for number in range(3):
        stream.append(b"%d" % number)
    first = stream.read("a", 2) or stream.read("a", 2)  # the first reading makes the group
    assert (raws(first), raws(stream.read("b", 10))) == ([b"0", b"1"], [b"2"])
    assert stream.backlog().events == 3
    stream.finish([entry.id for entry in first])
    assert (stream.backlog().events, stream.redis.xpending(KEY, GROUP)["pending"]) == (1, 1)


def test_a_dead_consumers_entries_are_taken_over_and_a_live_ones_are_not(stream: EventStream) -> None:
    stream.make_group()
    stream.append(b"x")
    held = stream.read("a", 10)
    assert stream.take_over("b", 10, dead_after_ms=60_000) == []

    def a_hundred_seconds_pass() -> None:
        stream.redis.xclaim(KEY, GROUP, "a", 0, [held[0].id], idle=100_000, justid=True)

    a_hundred_seconds_pass()
    stream.hold("a", [held[0].id])
    assert stream.take_over("b", 10, dead_after_ms=60_000) == []
    a_hundred_seconds_pass()
    assert raws(stream.take_over("b", 10, dead_after_ms=60_000)) == [b"x"]


def test_after_redis_lost_the_group_everything_left_is_read_again(stream: EventStream) -> None:
    stream.make_group()
    stream.append(b"x")
    stream.read("a", 10)
    stream.redis.xgroup_destroy(KEY, GROUP)
    assert stream.take_over("a", 10) == []  # it says that there was no group, and makes one
    assert raws(stream.read("a", 10)) == [b"x"]


def test_its_lag_is_the_age_of_the_oldest_event_that_is_not_finished(stream: EventStream) -> None:
    stream.make_group()
    assert stream.backlog() == (0.0, 0)
    stream.redis.xadd(KEY, {BODY: b"x"}, id=int((time.time() - 100) * 1000))
    stream.append(b"y")
    assert 100 <= stream.lag() < 190
    entries = stream.read("a", 10)
    assert stream.lag() >= 100
    stream.finish([entries[0].id])
    assert stream.lag() < 90


def test_at_its_bound_nothing_is_taken_and_nothing_is_trimmed(redis: Redis) -> None:
    stream = EventStream(redis, bound=2)
    stream.append(b"1")
    stream.append(b"2")
    with pytest.raises(StreamUnavailableError, match="bound of 2"):
        stream.append(b"3")
    assert stream.backlog().events == 2


def test_who_leaves_keeps_what_it_holds(stream: EventStream) -> None:
    stream.make_group()
    stream.append(b"x")
    held = stream.read("a", 1)
    stream.leave("a")
    assert [found["name"] for found in stream.redis.xinfo_consumers(KEY, GROUP)] == [b"a"]
    stream.finish([held[0].id])
    stream.leave("a")
    assert stream.redis.xinfo_consumers(KEY, GROUP) == []
