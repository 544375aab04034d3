"""Dead letters: kept, counted and dropped."""

from jobs.core.runtime import Runtime
from jobs.ingest.replay import ReplayCounts, replay_letters
from models.clock import utcnow
from models.events.dead_letters import purge_dead_letters
from tests.support.dead_letters import keep, letters


def test_what_fails_again_is_counted_with_its_newest_error_and_keeps_its_first_time(rt: Runtime) -> None:
    keep(rt, b"{", days_ago=3)
    [before] = letters(rt)
    assert replay_letters(rt) == ReplayCounts(failed=1)
    [after] = letters(rt)
    assert (after.id, after.times, after.first_at, after.payload) == (before.id, 2, before.first_at, "{")
    assert after.last_at > before.last_at
    assert after.error.startswith("BadEventError")


def test_neither_coming_again_nor_failing_again_keeps_a_payload_for_longer(rt: Runtime) -> None:
    keep(rt, b"{", days_ago=31)
    keep(rt, b"[", days_ago=29)
    keep(rt, b"{")
    replay_letters(rt)
    with rt.database.write() as session:
        assert [purge_dead_letters(session, utcnow()) for _ in range(2)] == [1, 0]
    assert [letter.payload for letter in letters(rt)] == ["["]
