"""Dead letters in the panel."""

import json

import pytest
from redis.exceptions import RedisError
from sqlalchemy import select

from jobs.core.queues import CHORES, queue
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest import replay_all as replay_run
from jobs.ingest.replay import ReplayResult, replay_one
from jobs.ingest.replay_all import Run, run_replay
from models.clock import utcnow
from models.events.dead_letters import settle_letter
from models.tables.audit import Audit
from models.tables.user import Role
from tests.support.dead_letters import good, keep
from tests.support.panel_app import Panel, Visitor, said

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def admin(panel: Panel) -> Visitor:
    return panel.of(Role.ADMIN)


def audits(rt: Runtime) -> list[tuple[str, str, str]]:
    with rt.database.read() as session:
        rows = session.scalars(select(Audit).where(Audit.object_type == "dead_letter").order_by(Audit.id))
        return [(row.actor, row.action, row.object_id) for row in rows]


def test_letters_are_found_and_told_apart_by_their_state(panel: Panel, admin: Visitor) -> None:
    rt = panel.rt
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


def test_pages_keep_what_was_asked_for(panel: Panel, admin: Visitor) -> None:
    rt = panel.rt
    keep(rt, *(b"person %d" % place for place in range(60)))
    page = admin.get("/dead-letters/?q=person&state=waiting")
    assert "/dead-letters/11/" in page
    assert "q=person&amp;state=waiting&amp;before=11" in page
    assert "/dead-letters/10/" in admin.get("/dead-letters/?q=person&state=waiting&before=11")


def test_one_is_shown_with_its_payload_as_text_and_downloaded_as_it_came(panel: Panel, admin: Visitor) -> None:
    rt = panel.rt
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


def test_one_is_tried_again_at_once(panel: Panel, admin: Visitor) -> None:
    rt = panel.rt
    keep(rt, b"{", good(1))
    assert "It failed again" in admin.post("/dead-letters/1/replay")
    page = admin.post("/dead-letters/2/replay", **{"from": "letter"})
    assert "It was applied" in page
    assert "It went when it was applied" in page
    assert "none that waits" in admin.post("/dead-letters/2/replay")
    assert audits(rt) == [("admin@example.com", "replay", "1"), ("admin@example.com", "replay", "2")]


def test_all_are_tried_again_by_a_worker_while_the_panel_says_how_far_it_is(
    panel: Panel, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = panel.rt
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


def test_without_redis_nothing_is_begun_and_the_list_is_there(
    panel: Panel, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = panel.rt
    keep(rt, good(1))

    def away(*_: object) -> Run:
        raise RedisError

    monkeypatch.setattr(replay_run, "read_run", away)
    monkeypatch.setattr("admin.panel.dead_letters.read_run", away)
    assert "Redis cannot be reached" in admin.post("/dead-letters/replay")
    assert "ValueError" in admin.get("/dead-letters/")
