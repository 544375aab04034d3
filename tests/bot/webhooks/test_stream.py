"""The stream between the webhook and the ingest."""

import time

import pytest
from redis import Redis

from bot.webhooks.stream import BODY, GROUP, KEY, Entry, EventStream, StreamUnavailableError


@pytest.fixture(params=[2, 3])
def events(redis: Redis, redis_url: str, request: pytest.FixtureRequest) -> EventStream:
    """With either of Redis's protocols."""
    return EventStream(Redis.from_url(redis_url, protocol=request.param))


def raws(entries: list[Entry]) -> list[bytes]:
    return [entry.raw for entry in entries]


def test_what_was_appended_is_read_once_and_goes_when_it_is_finished(events: EventStream) -> None:
    for number in range(3):
        events.append(b"%d" % number)
    first = events.read("a", 2) or events.read("a", 2)  # the first reading makes the group
    assert (raws(first), raws(events.read("b", 10))) == ([b"0", b"1"], [b"2"])
    assert events.backlog().events == 3
    events.finish([entry.id for entry in first])
    assert (events.backlog().events, events.redis.xpending(KEY, GROUP)["pending"]) == (1, 1)


def test_a_dead_consumers_entries_are_taken_over_and_a_live_ones_are_not(events: EventStream) -> None:
    events.make_group()
    events.append(b"x")
    held = events.read("a", 10)
    assert events.take_over("b", 10, dead_after_ms=60_000) == []

    def a_hundred_seconds_pass() -> None:
        events.redis.xclaim(KEY, GROUP, "a", 0, [held[0].id], idle=100_000, justid=True)

    a_hundred_seconds_pass()
    events.hold("a", [held[0].id])
    assert events.take_over("b", 10, dead_after_ms=60_000) == []
    a_hundred_seconds_pass()
    assert raws(events.take_over("b", 10, dead_after_ms=60_000)) == [b"x"]


def test_after_redis_lost_the_group_everything_left_is_read_again(events: EventStream) -> None:
    events.make_group()
    events.append(b"x")
    events.read("a", 10)
    events.redis.xgroup_destroy(KEY, GROUP)
    assert events.take_over("a", 10) == []  # it says that there was no group, and makes one
    assert raws(events.read("a", 10)) == [b"x"]


def test_its_lag_is_the_age_of_the_oldest_event_that_is_not_finished(events: EventStream) -> None:
    events.make_group()
    assert events.backlog() == (0.0, 0)
    events.redis.xadd(KEY, {BODY: b"x"}, id=int((time.time() - 100) * 1000))
    events.append(b"y")
    assert 100 <= events.lag() < 190
    entries = events.read("a", 10)
    assert events.lag() >= 100
    events.finish([entries[0].id])
    assert events.lag() < 90


def test_at_its_bound_nothing_is_taken_and_nothing_is_trimmed(redis: Redis) -> None:
    stream = EventStream(redis, bound=2)
    stream.append(b"1")
    stream.append(b"2")
    with pytest.raises(StreamUnavailableError, match="bound of 2"):
        stream.append(b"3")
    assert stream.backlog().events == 2


def test_who_leaves_keeps_what_it_holds(events: EventStream) -> None:
    events.make_group()
    events.append(b"x")
    held = events.read("a", 1)
    events.leave("a")
    assert [found["name"] for found in events.redis.xinfo_consumers(KEY, GROUP)] == [b"a"]
    events.finish([held[0].id])
    events.leave("a")
    assert events.redis.xinfo_consumers(KEY, GROUP) == []
