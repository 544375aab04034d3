"""The consumer: everything that got a 200 is applied, by whichever consumer is alive."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from bot.webhooks.parse import parse_payload
from bot.webhooks.stream import GROUP, KEY, EventStream, StreamUnavailableError
from jobs.core.queues import ANSWER
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest import apply as apply_events
from jobs.ingest import batch as event_batch
from jobs.ingest import consumer as ingest
from jobs.ingest.consumer import BEAT_KEY, FIRST_ENTRIES, Consumer, lag
from models.events.statuses.apply import apply_statuses
from models.events.types import Parsed
from models.tables.conversation import Conversation, Message
from tests.support.dead_letters import letters
from tests.support.ingest_rig import counts, poison, recorded, seed, status_body, tally
from tests.support.proof import dice, rounds

MESSAGES = rounds(30, 600)


def test_what_was_kept_is_applied_and_then_let_go(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    keys = seed(rt, 3)
    stream.append(status_body(rt, (keys[0], "w0", "read"), (keys[0], "w0", "sent")))
    stream.append(status_body(rt, (keys[1], "w1", "delivered")))
    assert consumer.run_once() == 2
    assert tally(rt) == {"read": 1, "delivered": 1, "sent": 1}
    assert (stream.backlog().events, stream.redis.xpending(KEY, GROUP)["pending"]) == (0, 0)
    assert counts(rt) == {"events": 2, "statuses": 3}


def test_what_a_dead_consumer_held_is_taken_over(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    [key] = seed(rt)
    stream.append(status_body(rt, (key, "w0", "read")))
    stream.read("dead", 10)
    stream.redis.xclaim(KEY, GROUP, "dead", 0, [stream.redis.xrange(KEY)[0][0]], idle=6_000)
    assert consumer.run_once() == 1
    assert (tally(rt), stream.backlog().events) == ({"read": 1}, 0)


def test_all_that_a_dead_consumer_held_is_taken_over_at_once(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    """Though a live one holds more, and longer, than Redis looks through in one go."""
    [key] = seed(rt)
    body = status_body(rt, (key, "w0", "read"))
    for _ in range(2_000):
        stream.append(body)
    stream.read("alive", 1_000)
    held = [entry.id for entry in stream.read("dead", 1_000)]
    stream.redis.xclaim(KEY, GROUP, "dead", 0, held, idle=6_000)
    assert consumer.run_once() == 1_000
    assert consumer.run_once() == 0
    assert (tally(rt), stream.redis.xpending(KEY, GROUP)["pending"]) == ({"read": 1}, 1_000)


def test_large_bodies_are_taken_few_at_a_time(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    for _ in range(120):  # 120 MB
        stream.append(b"x" * 1024 * 1024)
    assert consumer.run_once() == FIRST_ENTRIES
    assert stream.backlog().events == 120 - FIRST_ENTRIES


def test_between_two_transactions_it_gives_a_sign_of_life(
    rt: Runtime, stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of several transactions on a slow database is nobody else's, and the campaigns see that somebody listens."""
    keys = seed(rt, 3)
    monkeypatch.setattr(event_batch, "MAX_WEIGHT", 1)
    monkeypatch.setattr(ingest, "BEAT_SECONDS", 0.0)
    consumer = Consumer(rt)
    held_since: list[bool] = []
    beats: list[object] = []
    parsed: list[int] = []
    former_end = time.monotonic()

    def slow(session: Any, *rest: Any) -> Any:
        nonlocal former_end
        idle_ms = max(row["time_since_delivered"] for row in stream.redis.xpending_range(KEY, GROUP, "-", "+", 9))
        held_since.append(idle_ms <= (time.monotonic() - former_end) * 1000 + 10)
        beats.append(rt.redis.getdel(BEAT_KEY))
        time.sleep(0.3)
        former_end = time.monotonic()
        return apply_statuses(session, *rest)

    def counted(raw: bytes) -> Parsed:
        parsed.append(len(held_since))
        return parse_payload(raw)

    monkeypatch.setattr(apply_events, "apply_statuses", slow)
    monkeypatch.setattr(event_batch, "parse_payload", counted)
    for place, key in enumerate(keys):
        stream.append(status_body(rt, (key, f"w{place}", "read")))
    assert consumer.run_once() == 3
    assert (held_since, beats) == ([True] * 3, [consumer.name.encode()] * 3)
    assert parsed == [0, 0, 1], "one payload ahead, not all of them"
    assert tally(rt) == {"read": 3}


def test_a_full_redis_is_drained(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    keys = seed(rt, 30)
    for place, key in enumerate(keys):
        stream.append(status_body(rt, (key, f"w{place}", "read")))
    stream.append(recorded("message_text"))
    consumer._send_heartbeat()
    consumer._beat_at = float("-inf")
    rt.redis.expire(BEAT_KEY, 2)
    rt.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(StreamUnavailableError):
            stream.append(b"x")
        assert consumer.run_once() == 31
        assert (rt.redis.ttl(BEAT_KEY) > 5, counts(rt), rt.redis.llen(f"rq:queue:{ANSWER}")) == (True, {}, 0)
    finally:
        rt.redis.config_set("maxmemory", 0)
    assert (tally(rt), stream.backlog().events) == ({"read": 30}, 0)
    stream.append(status_body(rt, (keys[0], "w0", "read")))
    consumer.run_once()
    assert counts(rt)["events"] == 1


def test_lag_says_how_far_behind_we_are_and_whether_anybody_listens(rt: Runtime, stream: EventStream) -> None:
    assert lag(rt) == (0.0, 0, False)
    stream.append(b"x")
    rt.redis.set(BEAT_KEY, 1)
    time.sleep(0.02)
    found = lag(rt)
    assert (found.seconds > 0.01, found.events, found.is_alive) == (True, 1, True)


def test_a_stop_while_the_database_is_away_leaves_what_is_held_to_others(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    [key] = seed(rt)
    stream.append(status_body(rt, (key, "w0", "read")))
    monkeypatch.setattr(Consumer, "_send_heartbeat", lambda self: SHUTDOWN.set() if self._held else None)
    with monkeypatch.context() as patched:
        poison(patched, "w0", OperationalError("UPDATE", {}, Exception("away")))
        consumer.run()
    assert (stream.backlog().events, stream.redis.xpending(KEY, GROUP)["pending"]) == (1, 1)


def test_several_consumers_at_once_agree(rt: Runtime, stream: EventStream) -> None:
    keys = seed(rt, 40)
    items = [(key, f"w{place}", kind) for kind in ("sent", "delivered", "read") for place, key in enumerate(keys)]
    shuffled = dice(7)
    for _ in range(MESSAGES):
        some = shuffled.sample(items, 30)
        stream.append(status_body(rt, *some, at=1795341601))
        stream.append(recorded("message_text", **{"wamid.in.message_text": f"wamid.{shuffled.random()}"}))
    stream.append(status_body(rt, *items, at=1795341601))
    consumers = [Consumer(rt) for _ in range(3)]

    def consume(consumer: Consumer) -> None:
        while stream.backlog().events:
            for entry in stream.read(consumer.name, 4, 20):
                consumer.handle([entry])

    threads = [threading.Thread(target=consume, args=(consumer,)) for consumer in consumers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(rounds(60, 600))
    assert (tally(rt), letters(rt)) == ({"read": 40}, [])
    with rt.database.read() as session:
        counted = [session.scalar(select(func.count()).select_from(table)) for table in (Message, Conversation)]
    assert counted == [MESSAGES, 1]
