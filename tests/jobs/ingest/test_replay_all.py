"""A replay of all dead letters: one worker at a time, in turns, whatever is away or dies meanwhile."""

import pytest
from sqlalchemy.exc import OperationalError

from jobs.core.runtime import Runtime
from jobs.ingest import replay_all as replay_run
from jobs.ingest.replay import ReplayResult, replay_one
from jobs.ingest.replay_all import LOCK_KEY, begin_replay, read_run, run_replay, wake_replay
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import settle_letter
from models.tables.webhook_event import DeadLetter
from tests.support.dead_letters import good, keep

pytestmark = pytest.mark.sqlite_only


def counted(rt: Runtime) -> tuple[int, int, int]:
    run = read_run(rt)
    assert run is not None
    return run.applied, run.failed, run.skipped


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
