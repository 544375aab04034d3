"""The ingest: everything that got a 200 is applied, whatever dies or goes away meanwhile."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from bot.webhooks.parse import parse
from bot.webhooks.stream import GROUP, KEY, EventStream, StreamUnavailableError
from jobs.core.queues import ANSWER, CHORES
from jobs.core.redis_server import RedisServer
from jobs.core.runtime import Runtime
from jobs.core.shutdown import STOPPING
from jobs.ingest import apply as apply_events
from jobs.ingest import batch as event_batch
from jobs.ingest import consumer as ingest
from jobs.ingest.apply import ANSWER_KEY, COUNTS_KEY
from jobs.ingest.batch import MOST_WEIGHT, OUTAGE_TRIES
from jobs.ingest.consumer import BEAT_KEY, FIRST_ENTRIES, Consumer, lag
from jobs.ingest.replay import Replayed, replay
from jobs.maintenance.meta_sync import wake_syncs
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.errors import Refused
from models.events import parked as parking
from models.events.statuses.apply import apply_statuses
from models.events.types import Parsed
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.conversation import Conversation, Message
from models.tables.number import Number, Waba
from models.tables.recipient import Recipient, RecipientState
from models.tables.webhook_event import DeadLetter, ParkedStatus
from tests.support import services
from tests.support.factories import alice, make_campaign, make_contact, make_number, make_recipient, make_template
from tests.support.paths import ROOT, WEBHOOKS
from tests.support.postgres_server import PostgresServer
from tests.support.services import prepare_schema


def settings_of(database_url: str, redis_url: str, var_dir: Path) -> Settings:
    return Settings(database_url, redis_url, var_dir, encryption_keys=(new_encryption_key(),), secret_key="x")


@pytest.fixture
def rt(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(settings_of(database_url, redis_url, tmp_path))
    yield made
    made.close()
    STOPPING.clear()


@pytest.fixture
def stream(rt: Runtime) -> EventStream:
    made = EventStream(rt.redis)
    made.make_group()
    return made


@pytest.fixture
def consumer(rt: Runtime, stream: EventStream) -> Consumer:
    return Consumer(rt)


def recorded(name: str, **replaced: str) -> bytes:
    raw = (WEBHOOKS / f"{name}.json").read_text()
    for old, new in replaced.items():
        raw = raw.replace(old, new)
    return raw.encode()


def seed(rt: Runtime, people: int = 1) -> list[int]:
    """Accepted recipients `w<n>` of one campaign of the number in the recorded bodies; their ids."""
    with rt.database.write() as session:
        number = make_number(session, phone_number_id="106540352242922", display_phone="+15550783881")
        number.waba.waba_id = "102290129340398"
        campaign = make_campaign(
            session,
            number,
            make_template(session, number, name="spring", language="en_US"),
            status=CampaignStatus.ACTIVE,
        )
        rows = [
            make_recipient(
                session, campaign, make_contact(session), state=RecipientState.ACCEPTED, attempts=1, wamid=f"w{place}",
                accepted_at=utcnow(),
            )
            for place in range(people)
        ]  # fmt: skip
        return [row.id for row in rows]


def status_body(rt: Runtime, *items: tuple[int, str, str], at: int | None = None, **extra: Any) -> bytes:
    """(recipient, wamid, kind) each, as Meta sends them."""
    seconds = str(at or int(time.time()))
    statuses = [
        {
            "id": wamid,
            "status": kind,
            "timestamp": seconds,
            "biz_opaque_callback_data": f"h1:{rt.installation}:{key}:1",
            **extra,
        }
        for key, wamid, kind in items
    ]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"}, "statuses": statuses}
    return json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()


def tally(rt: Runtime) -> dict[str, int]:
    with rt.database.read() as session:
        counted = session.execute(select(Recipient.status, func.count()).group_by(Recipient.status))
        return {status: number for status, number in counted}  # noqa: C416


def counts(rt: Runtime) -> dict[str, int]:
    return {name.decode(): int(number) for name, number in rt.redis.hgetall(COUNTS_KEY).items()}  # type: ignore[union-attr]


def letters(rt: Runtime) -> list[DeadLetter]:
    with rt.database.read() as session:
        return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_what_was_kept_is_applied_and_then_let_go(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    keys = seed(rt, 3)
    stream.append(status_body(rt, (keys[0], "w0", "read"), (keys[0], "w0", "sent")))
    stream.append(status_body(rt, (keys[1], "w1", "delivered")))
    assert consumer.run_once() == 2
    assert tally(rt) == {"read": 1, "delivered": 1, "sent": 1}
    assert (stream.backlog().events, stream.redis.xpending(KEY, GROUP)["pending"]) == (0, 0)
    assert counts(rt) == {"events": 2, "statuses": 3}


def test_a_message_is_stored_and_whoever_answers_is_woken_once(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    for name in ("message_text", "message_quote", "message_reaction"):
        stream.append(recorded(name))
    consumer.run_once()
    assert (rt.redis.llen(f"rq:queue:{ANSWER}"), rt.redis.exists(f"hark:wake:{ANSWER_KEY}")) == (1, 1)
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 3


def test_a_paused_template_pauses_its_campaign_and_an_approved_one_is_asked_about(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    stream.append(recorded("template_paused"))
    stream.append(recorded("template_approved", **{"1795341600": "1795349999"}))
    consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Campaign.pause_reason)).all() == [PauseReason.TEMPLATE_PAUSED]
    assert rt.redis.llen(f"rq:queue:{CHORES}") == 1


def test_a_reading_that_an_event_asks_for_is_made_again_should_its_wake_up_be_lost(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    now = utcnow()
    with rt.database.write() as session:
        session.execute(update(Waba).values(templates_synced_at=now))
        session.execute(update(Number).values(read_at=now))
    assert wake_syncs(rt, now) == 0
    stream.append(recorded("template_approved"))
    consumer.run_once()
    rt.redis.flushall()
    assert wake_syncs(rt, now) == 1


@pytest.mark.parametrize(("code", "reason"), [(132015, PauseReason.TEMPLATE_PAUSED), (131042, PauseReason.PAYMENT)])
def test_a_failure_that_concerns_everybody_stops_the_campaign_if_it_is_fresh(
    rt: Runtime,
    stream: EventStream,
    consumer: Consumer,
    code: int,
    reason: PauseReason,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = seed(rt, 2)
    errors: dict[str, Any] = {"errors": [{"code": code, "title": "no"}]}
    stream.append(status_body(rt, (keys[0], "w0", "failed"), at=int(time.time()) - 3600, **errors))
    consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Campaign.status)).all() == [CampaignStatus.ACTIVE]
    stream.append(status_body(rt, (keys[1], "w1", "failed"), **errors))

    def dies(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Consumer, "_after_commit", dies)
    with pytest.raises(SystemExit):
        consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Campaign.pause_reason)).all() == [reason]
        stopped = session.scalar(select(Number.stopped_at))
    assert (stopped is not None) == (code == 131042)


def test_a_status_that_is_early_waits_for_its_row(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    [key] = seed(rt)
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET state = 'queued', wamid = NULL, accepted_at = NULL, attempts = 0"))
    stream.append(status_body(rt, (key, "w0", "delivered")))
    consumer.run_once()
    assert tally(rt) == {"queued": 1}
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET attempts = 1, state = 'unsure'"))
    consumer._retried_at = float("-inf")
    consumer.run_once()
    assert tally(rt) == {"delivered": 1}
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ParkedStatus)) == 0


@pytest.mark.parametrize("fault", ["the database refuses it", "a shape that nobody reads"])
def test_a_parked_status_that_cannot_be_applied_is_dropped_and_the_others_are_applied(
    rt: Runtime,
    stream: EventStream,
    consumer: Consumer,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = seed(rt, 3)
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET state = 'queued', wamid = NULL, accepted_at = NULL, attempts = 0"))
    for place, key in enumerate(keys):
        stream.append(status_body(rt, (key, f"w{place}", "delivered")))
    consumer.run_once()
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET attempts = 1, state = 'unsure'"))
        if fault == "a shape that nobody reads":
            row = session.scalars(select(ParkedStatus).where(ParkedStatus.wamid == "w1")).one()
            row.status = {"said": "a secret"}
        else:
            poison(monkeypatch, "w1", IntegrityError("UPDATE a secret", {}, Exception("duplicate wamid")), parking)
        readable = session.scalars(select(ParkedStatus).where(ParkedStatus.wamid == "w0")).one()
        session.add(
            ParkedStatus(wamid="old", status=readable.status, first_at=readable.first_at, expires_at=readable.first_at)
        )
    consumer._retried_at = float("-inf")
    consumer.run_once()
    with rt.database.read() as session:
        found = session.scalars(select(Recipient.status).where(Recipient.id.in_(keys)).order_by(Recipient.id)).all()
        assert found == ["delivered", "unsure", "delivered"]
        assert session.scalar(select(func.count()).select_from(ParkedStatus)) == 0
    assert counts(rt)["dropped"] == 2
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("raw", [b"no JSON", b"\xff\x00", b"[]"])
def test_what_is_no_webhook_becomes_a_dead_letter_and_blocks_nothing(
    rt: Runtime, stream: EventStream, consumer: Consumer, raw: bytes
) -> None:
    [key] = seed(rt)
    for body in (raw, status_body(rt, (key, "w0", "read")), raw):
        stream.append(body)
    consumer.run_once()
    assert (tally(rt), stream.backlog().events) == ({"read": 1}, 0)
    [letter] = letters(rt)
    assert (letter.times, letter.error.split(":")[0]) == (2, "BadEventError")


def test_one_broken_item_of_a_payload_leaves_the_others_applied(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    [key] = seed(rt)
    body = json.loads(status_body(rt, (key, "w0", "read"), (key, "w0", "sent")))
    body["entry"][0]["changes"][0]["value"]["statuses"][1]["timestamp"] = "the secret word"
    stream.append(json.dumps(body).encode())
    consumer.run_once()
    assert tally(rt) == {"read": 1}
    [letter] = letters(rt)
    assert letter.error == "BadEventError: entry[0].changes[0].statuses[1]: its time is no Unix time"


def poison(monkeypatch: pytest.MonkeyPatch, wamid: str, error: Exception, module: ModuleType = apply_events) -> None:
    """Whatever applies a status of this wamid fails."""
    apply = apply_statuses

    def fails(session: Any, statuses: list[Any], *rest: Any) -> Any:
        if any(status.wamid == wamid for status in statuses):
            raise error
        return apply(session, statuses, *rest)

    monkeypatch.setattr(module, "apply_statuses", fails)


def test_a_payload_that_cannot_be_applied_is_taken_out_and_replayed_after_the_mend(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = seed(rt, 4)
    with monkeypatch.context() as patched:
        poison(patched, "w2", ValueError("+34600000001 wrote: hello"))
        stream.append(status_body(rt, (keys[0], "w0", "read")))
        stream.append(status_body(rt, (keys[1], "w1", "read"), (keys[2], "w2", "read"), (keys[3], "w3", "read")))
        consumer.run_once()
        assert (tally(rt), stream.backlog().events) == ({"read": 3, "sent": 1}, 0)
        [letter] = letters(rt)
        assert letter.error.startswith("ValueError")
        assert "3460" not in letter.error
        assert replay(rt) == Replayed(0, 1)
        assert letters(rt)[0].times == 2
    assert replay(rt, letter.id) == Replayed(1, 0)
    assert (tally(rt), letters(rt)[0].payload) == ({"read": 4}, "")
    assert replay(rt) == Replayed(0, 0)
    with pytest.raises(Refused, match=f"dead letter {letter.id}"):
        replay(rt, letter.id)


def test_a_payload_that_the_database_itself_cannot_take_is_told_from_an_outage(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = seed(rt, 2)
    poison(monkeypatch, "w0", OperationalError("UPDATE", {}, Exception("too big")))
    stream.append(status_body(rt, (keys[0], "w0", "read")))
    stream.append(status_body(rt, (keys[1], "w1", "read")))
    consumer.run_once()
    assert (tally(rt), len(letters(rt))) == ({"sent": 1, "read": 1}, 1)


def test_a_large_payload_is_applied_in_several_transactions(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    keys = seed(rt, 50)
    items = [(key, f"w{place}", kind) for kind in ("sent", "delivered", "read") for place, key in enumerate(keys)]
    stream.append(status_body(rt, *(items * (1 + MOST_WEIGHT // len(items)))))
    consumer.run_once()
    assert (tally(rt), stream.backlog().events) == ({"read": 50}, 0)


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
    monkeypatch.setattr(event_batch, "MOST_WEIGHT", 1)
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
        return parse(raw)

    monkeypatch.setattr(apply_events, "apply_statuses", slow)
    monkeypatch.setattr(event_batch, "parse", counted)
    for place, key in enumerate(keys):
        stream.append(status_body(rt, (key, f"w{place}", "read")))
    assert consumer.run_once() == 3
    assert (held_since, beats) == ([True] * 3, [consumer.name.encode()] * 3)
    assert parsed == [0, 0, 1], "one payload ahead, not all of them"
    assert tally(rt) == {"read": 3}


@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_a_deadlock_is_repeated_however_often_and_blames_no_payload(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    [key] = seed(rt)
    lost = Exception("deadlock detected")
    lost.sqlstate = code  # type: ignore[attr-defined]
    tries = iter(range(100))

    def loses(*given: Any) -> Any:
        if next(tries) < OUTAGE_TRIES + 4:
            raise OperationalError("UPDATE", {}, lost)
        return apply_statuses(*given)

    monkeypatch.setattr(apply_events, "apply_statuses", loses)
    stream.append(status_body(rt, (key, "w0", "read")))
    consumer.run_once()
    assert (tally(rt), letters(rt), next(tries)) == ({"read": 1}, [], OUTAGE_TRIES + 5)


def test_a_full_redis_is_drained(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    keys = seed(rt, 30)
    for place, key in enumerate(keys):
        stream.append(status_body(rt, (key, f"w{place}", "read")))
    stream.append(recorded("message_text"))
    consumer._beat()
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


def test_the_same_events_twice_change_nothing(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    [key] = seed(rt)
    bodies = [status_body(rt, (key, "w0", kind), at=1795341601) for kind in ("sent", "delivered", "read")]
    bodies += [recorded("message_text"), recorded("template_quality"), recorded("preference_stop")]

    def state() -> list[Any]:
        tables = ("recipient", "message", "conversation", "contact", "template", "audit", "consent_event")
        with rt.database.read() as session:
            return [sorted(map(str, session.execute(text(f"SELECT * FROM {table}")))) for table in tables]

    for body in bodies:
        stream.append(body)
    consumer.run_once()
    before = state()
    for body in reversed(bodies):
        stream.append(body)
        consumer.run_once()
    assert state() == before


class Process:
    """`python -m jobs.ingest` on given servers."""

    def __init__(self, settings: Settings) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "HARK_ENV_FILE": os.devnull,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url or "",
            "SECRET_KEY": "x" * 32,
            "ENCRYPTION_KEY": settings.encryption_keys[0],
        }
        self.child = subprocess.Popen([sys.executable, "-m", "jobs.ingest"], cwd=ROOT, env=environment)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.child.send_signal(number)
        return self.child.wait(60)


@pytest.fixture
def start(rt: Runtime) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def begin() -> Process:
        started.append(Process(rt.settings))
        return started[-1]

    yield begin
    for process in started:
        if process.child.poll() is None:
            process.stop(signal.SIGKILL)


@pytest.mark.crash
def test_killed_again_and_again_it_loses_nothing(
    rt: Runtime, stream: EventStream, start: Callable[[], Process]
) -> None:
    keys = seed(rt, 200)
    items = [(key, f"w{place}", kind) for kind in ("read", "sent", "delivered") for place, key in enumerate(keys)]
    for item in items:
        stream.append(status_body(rt, item))

    def consumers() -> int:
        return len(stream.redis.xinfo_consumers(KEY, GROUP))

    def reads_since(former: int) -> bool:
        return consumers() > former

    for wait in (0.0, 0.1, 0.2):
        former = consumers()
        process = start()
        until(partial(reads_since, former))
        time.sleep(wait)
        process.stop(signal.SIGKILL)
        for item in items[::10]:
            stream.append(status_body(rt, item))
    last = start()
    until(lambda: stream.backlog().events == 0)
    assert last.stop() == 0
    assert tally(rt) == {"read": 200}
    with rt.database.read() as session:
        whole = (Recipient.sent_at.is_not(None), Recipient.delivered_at.is_not(None), Recipient.read_at.is_not(None))
        assert session.scalar(select(func.count()).select_from(Recipient).where(*whole)) == 200
    assert letters(rt) == []


@pytest.mark.crash
def test_redis_may_die_and_come_back(sqlite_url: str, tmp_path: Path) -> None:
    with services.temporary_directory() as directory:
        server = RedisServer(directory, appendfsync="always")
        server.start()
        rt = Runtime(settings_of(sqlite_url, server.url, tmp_path))
        keys = seed(rt, 60)
        stream = EventStream(rt.redis)
        stream.make_group()
        process = Process(rt.settings)
        try:
            for place, key in enumerate(keys[:30]):
                stream.append(status_body(rt, (key, f"w{place}", "read")))
            until(lambda: lag(rt).is_alive)
            server.stop()
            time.sleep(1)
            assert process.child.poll() is None
            server.start()
            for place, key in enumerate(keys[30:], 30):
                stream.append(status_body(rt, (key, f"w{place}", "read")))
            until(lambda: tally(rt) == {"read": 60})
            assert process.stop() == 0
        finally:
            if process.child.poll() is None:
                process.stop(signal.SIGKILL)
            rt.close()
            server.stop()


@pytest.mark.crash
def test_the_database_may_die_and_come_back_and_no_payload_is_blamed(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    try:
        server = PostgresServer()
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"no PostgreSQL: {type(error).__name__}")
    try:
        server.start()
        prepare_schema(server.url())
        rt = Runtime(settings_of(server.url(), redis_url, tmp_path))
        keys = seed(rt, 40)
        stream = EventStream(rt.redis)
        stream.make_group()
        process = Process(rt.settings)
        try:
            until(lambda: lag(rt).is_alive)
            bodies = [status_body(rt, (key, f"w{place}", "read")) for place, key in enumerate(keys)]
            server.stop()
            for body in bodies:
                stream.append(body)
            time.sleep(3)
            assert (process.child.poll(), stream.backlog().events, lag(rt).is_alive) == (None, 40, True)
            server.start()
            until(lambda: stream.backlog().events == 0)
            assert (tally(rt), letters(rt)) == ({"read": 40}, [])
            assert process.stop() == 0
        finally:
            if process.child.poll() is None:
                process.stop(signal.SIGKILL)
            rt.close()
    finally:
        server.close()


def test_a_stop_while_the_database_is_away_leaves_what_is_held_to_others(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    [key] = seed(rt)
    stream.append(status_body(rt, (key, "w0", "read")))
    monkeypatch.setattr(Consumer, "_beat", lambda self: STOPPING.set() if self._held else None)
    with monkeypatch.context() as patched:
        poison(patched, "w0", OperationalError("UPDATE", {}, Exception("away")))
        consumer.run()
    assert (stream.backlog().events, stream.redis.xpending(KEY, GROUP)["pending"]) == (1, 1)


def test_alice_is_answered_though_her_message_comes_with_statuses(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    with rt.database.write() as session:
        number = make_number(session, phone_number_id="106540352242922")
        row = make_recipient(
            session,
            make_campaign(session, number),
            alice(session),
            state=RecipientState.UNSURE,
            attempts=1,
            unsure_at=utcnow(),
        )
        key = row.id
    stream.append(status_body(rt, (key, "wamid.campaign", "sent")))
    stream.append(recorded("message_stop", **{"1795341600": str(int(time.time()))}))
    consumer.run_once()
    with rt.database.read() as session:
        found = session.get_one(Recipient, key)
        assert (found.status, found.is_replied) == ("sent", True)


def test_several_consumers_at_once_agree(rt: Runtime, stream: EventStream) -> None:
    keys = seed(rt, 40)
    items = [(key, f"w{place}", kind) for kind in ("sent", "delivered", "read") for place, key in enumerate(keys)]
    shuffled = random.Random(7)
    for _ in range(30):
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
        thread.join(60)
    assert (tally(rt), letters(rt)) == ({"read": 40}, [])
    with rt.database.read() as session:
        counted = [session.scalar(select(func.count()).select_from(table)) for table in (Message, Conversation)]
    assert counted == [30, 1]
