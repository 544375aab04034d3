"""Dead letters in the panel, and their replay by a worker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from jobs.core.queues import CHORES, queue
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest import replay_all as replay_run
from jobs.ingest.replay import ReplayResult, replay_one
from jobs.ingest.replay_all import LOCK_KEY, Run, begin_replay, read_run, run_replay, wake_replay
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import keep_dead_letter, settle_letter
from models.tables.audit import Audit
from models.tables.user import Role
from models.tables.webhook_event import DeadLetter
from tests.support.panel_app import Panel, Visitor, open_panel, said


@pytest.fixture
def panel(tmp_path: Path, sqlite_url: str, redis_url: str, redis: Redis) -> Iterator[Panel]:
    with open_panel(tmp_path, sqlite_url, redis_url) as opened:
        yield opened
    SHUTDOWN.clear()


@pytest.fixture
def rt(panel: Panel) -> Runtime:
    return panel.rt


@pytest.fixture
def admin(panel: Panel) -> Visitor:
    return panel.of(Role.ADMIN)


def keep(rt: Runtime, *raws: bytes) -> None:
    with rt.database.write() as session:
        for raw in raws:
            keep_dead_letter(session, raw, "ValueError at bot/webhooks/parse.py:1", utcnow())


def good(place: int) -> bytes:
    return json.dumps({"object": "whatsapp_business_account", "entry": [], "place": place}).encode()


def counted(rt: Runtime) -> tuple[int, int, int]:
    run = read_run(rt)
    assert run is not None
    return run.applied, run.failed, run.skipped


def audits(rt: Runtime) -> list[tuple[str, str, str]]:
    with rt.database.read() as session:
        rows = session.scalars(select(Audit).where(Audit.object_type == "dead_letter").order_by(Audit.id))
        return [(row.actor, row.action, row.object_id) for row in rows]


def test_letters_are_found_and_told_apart_by_their_state(rt: Runtime, admin: Visitor) -> None:
    keep(rt, b"Alice", b"Bob", b"\xff\x00")
    with rt.database.write() as session:
        settle_letter(session, 2, utcnow())
    page = admin.get("/dead-letters/?q=aLICE")
    assert "Alice" in page
    assert "not searched" in page
    assert "/dead-letters/2/" not in page
    assert "/dead-letters/3/" not in page
    page = admin.get("/dead-letters/?state=applied")
    assert "/dead-letters/2/" in page
    assert "/dead-letters/1/" not in page
    assert "None is like that" in admin.get("/dead-letters/?q=nobody")


def test_pages_keep_what_was_asked_for(rt: Runtime, admin: Visitor) -> None:
    keep(rt, *(b"person %d" % place for place in range(60)))
    page = admin.get("/dead-letters/?q=person&state=waiting")
    assert "/dead-letters/11/" in page
    assert "q=person&amp;state=waiting&amp;before=11" in page
    assert "/dead-letters/10/" in admin.get("/dead-letters/?q=person&state=waiting&before=11")


def test_one_is_shown_with_its_payload_as_text_and_downloaded_as_it_came(rt: Runtime, admin: Visitor) -> None:
    keep(rt, b'{"a":"<script>"}', b"\xff\x00", b"x" * 300_000)
    page = admin.get("/dead-letters/1/")
    assert "{\n  &#34;a&#34;: &#34;&lt;script&gt;&#34;\n}" in page
    assert "This is its beginning" not in page
    assert "It is no text" in admin.get("/dead-letters/2/")
    page = admin.get("/dead-letters/3/")
    assert len(page) < 150_000
    assert "This is its beginning" in page
    answer = admin.client.get("/admin/dead-letters/2/payload.bin")
    assert (answer.data, answer.mimetype) == (b"\xff\x00", "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert audits(rt) == [("admin@example.com", "download", "2")]
    admin.get("/dead-letters/9/", 404)
    admin.get("/dead-letters/9/payload.bin", 404)


def test_one_is_tried_again_at_once(rt: Runtime, admin: Visitor) -> None:
    keep(rt, b"{", good(1))
    assert "It failed again" in admin.post("/dead-letters/1/replay")
    page = admin.post("/dead-letters/2/replay", **{"from": "letter"})
    assert "It was applied" in page
    assert "It went when it was applied" in page
    assert "none that waits" in admin.post("/dead-letters/2/replay")
    assert audits(rt) == [("admin@example.com", "replay", "1"), ("admin@example.com", "replay", "2")]


def test_all_are_tried_again_by_a_worker_while_the_panel_says_how_far_it_is(
    rt: Runtime, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, b"{", good(1), good(2))
    page = admin.post("/dead-letters/replay")
    assert "0 of 3 done" in page
    assert 'data-live="/admin/dead-letters/live"' in page
    assert [job.func_name for job in queue(rt.redis, CHORES).jobs] == ["jobs.ingest.replay_all.run_replay"]
    assert "being tried again already" in admin.post("/dead-letters/replay")
    monkeypatch.setattr(replay_run, "TURN_SECONDS", 0.0)
    run_replay()
    assert "0 of 3 done" in admin.get("/dead-letters/")
    monkeypatch.setattr(replay_run, "TURN_SECONDS", 60.0)

    def stops_after_two(rt: Runtime, letter_id: int) -> ReplayResult:
        if letter_id == 2:
            SHUTDOWN.set()
        return replay_one(rt, letter_id)

    monkeypatch.setattr(replay_run, "replay_one", stops_after_two)
    run_replay()
    told = json.loads(admin.get("/dead-letters/live"))
    assert "2 of 3 done, 1 failed again" in said(told["parts"]["replay"])
    assert told["done"] is False
    SHUTDOWN.clear()
    run_replay()
    told = json.loads(admin.get("/dead-letters/live"))
    assert "2 applied, 1 failed again" in said(told["parts"]["replay"])
    assert told["done"] is True
    assert audits(rt) == [("admin@example.com", "replay", "all")]
    run_replay()
    assert len(audits(rt)) == 1


def test_a_second_worker_leaves_a_replay_to_the_one_that_is_at_it(rt: Runtime) -> None:
    keep(rt, good(1))
    begin_replay(rt, "test")
    rt.redis.set(LOCK_KEY, "somebody")
    run_replay()
    assert counted(rt) == (0, 0, 0)
    rt.redis.delete(LOCK_KEY)
    run_replay()
    assert counted(rt) == (1, 0, 0)


def test_a_turn_that_was_taken_for_dead_writes_nothing_more(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(rt, good(1), good(2))
    begin_replay(rt, "test")

    def overtaken(rt: Runtime, _letter_id: int) -> ReplayResult:
        rt.redis.set(LOCK_KEY, "another")
        return ReplayResult.APPLIED

    monkeypatch.setattr(replay_run, "replay_one", overtaken)
    run_replay()
    assert counted(rt) == (0, 0, 0)
    assert rt.redis.get(LOCK_KEY) == b"another"


def test_the_schedule_wakes_a_replay_that_stands_still(rt: Runtime) -> None:
    assert not wake_replay(rt, utcnow())
    keep(rt, good(1))
    begin_replay(rt, "test")
    rt.redis.delete("hark:wake:replay")
    rt.redis.set(LOCK_KEY, "somebody")
    assert not wake_replay(rt, utcnow())
    rt.redis.delete(LOCK_KEY)
    assert wake_replay(rt, utcnow())
    run_replay()
    assert not wake_replay(rt, utcnow())


def test_a_replay_waits_for_a_database_that_is_away_and_goes_on_where_it_was(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, good(1), good(2))
    begin_replay(rt, "test")
    with monkeypatch.context() as patched:

        def away(rt: Runtime, letter_id: int) -> ReplayResult:
            if letter_id == 2:
                raise OperationalError("SELECT", {}, Exception("away"))
            return ReplayResult.APPLIED

        patched.setattr(replay_run, "replay_one", away)
        for _ in range(5):
            run_replay()
    assert counted(rt) == (1, 0, 0)
    run_replay()
    assert counted(rt) == (2, 0, 0)


def test_a_letter_at_which_worker_after_worker_dies_is_passed_over(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, good(1), good(2))
    begin_replay(rt, "test")

    def dies(rt: Runtime, letter_id: int) -> ReplayResult:
        if letter_id == 1:
            raise SystemExit
        return replay_one(rt, letter_id)

    monkeypatch.setattr(replay_run, "replay_one", dies)
    for _ in range(3):
        with pytest.raises(SystemExit):
            run_replay()
    run_replay()
    assert counted(rt) == (1, 1, 0)
    with rt.database.read() as session:
        assert session.get_one(DeadLetter, 1).replayed_at is None


def test_letters_that_went_before_their_page_was_read_are_skipped(rt: Runtime) -> None:
    keep(rt, good(1), good(2))
    begin_replay(rt, "test")
    with rt.database.write() as session:
        settle_letter(session, 1, utcnow())
    run_replay()
    assert counted(rt) == (1, 0, 1)
    with pytest.raises(OperatorError, match="No dead letter waits"):
        begin_replay(rt, "test")


def test_without_redis_nothing_is_begun_and_the_list_is_there(
    rt: Runtime, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, good(1))

    def away(*_: object) -> Run:
        raise RedisError

    monkeypatch.setattr(replay_run, "read_run", away)
    monkeypatch.setattr("admin.panel.dead_letters.read_run", away)
    assert "Redis cannot be reached" in admin.post("/dead-letters/replay")
    assert "ValueError" in admin.get("/dead-letters/")
