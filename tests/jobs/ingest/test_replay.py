"""Dead letters: taken out of the way, and applied once they can be."""

from typing import Any

import pytest
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

import jobs.ingest.replay
from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import Consumer
from jobs.ingest.replay import ReplayCounts, ReplayResult, replay_letters, replay_one
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import payload_of, settle_letter
from tests.support.dead_letters import GOOD, good, keep, letters
from tests.support.ingest_rig import poison, seed, status_body, tally


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
        assert replay_letters(rt) == ReplayCounts(0, 1)
        assert letters(rt)[0].times == 2
    assert replay_letters(rt, letter.id) == ReplayCounts(1, 0)
    assert (tally(rt), letters(rt)[0].payload) == ({"read": 4}, "")
    assert replay_letters(rt) == ReplayCounts(0, 0)
    with pytest.raises(OperatorError, match=f"dead letter {letter.id}"):
        replay_letters(rt, letter.id)


def test_a_letter_that_somebody_else_settled_meanwhile_is_skipped_and_stops_none_of_the_others(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, good(1), good(2), good(3))
    [_, second, _] = [letter.id for letter in letters(rt)]
    read = payload_of

    def settles_the_second_first(session: Any, letter_id: int) -> bytes | None:
        if letter_id == second:
            with rt.database.write() as other:
                settle_letter(other, second, utcnow())
        return read(session, letter_id)

    monkeypatch.setattr(jobs.ingest.replay, "payload_of", settles_the_second_first)
    assert replay_letters(rt) == ReplayCounts(applied=2, skipped=1)


@pytest.mark.parametrize("raw", [b"{", GOOD])
def test_whoever_comes_second_with_the_same_letter_undoes_nothing(
    rt: Runtime, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, raw)
    [before] = letters(rt)
    apply = jobs.ingest.replay._apply

    def overtaken(rt: Runtime, raw: bytes) -> Any:
        done = apply(rt, raw)
        with rt.database.write() as session:
            settle_letter(session, before.id, utcnow())
        return done

    monkeypatch.setattr(jobs.ingest.replay, "_apply", overtaken)
    assert replay_one(rt, before.id) is ReplayResult.SKIPPED
    [after] = letters(rt)
    assert (after.payload, after.times, after.error) == ("", 1, before.error)
    assert after.replayed_at is not None


def test_a_replay_of_all_goes_page_by_page_and_meets_none_twice(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.ingest.replay, "PAGE", 2)
    keep(rt, b"{", good(1), b"[", good(2), b"(")
    assert replay_letters(rt) == ReplayCounts(applied=2, failed=3)
    assert [letter.times for letter in letters(rt)] == [2, 1, 2, 1, 2]


def test_a_letter_that_the_database_cannot_take_is_told_from_an_outage(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.ingest.replay, "TRY_SECONDS", 0.0)
    keep(rt, GOOD, good(1))

    def too_big(rt: Runtime, parsed: Any) -> Any:
        raise OperationalError("UPDATE", {}, Exception("too big"))

    monkeypatch.setattr(jobs.ingest.replay, "apply_parsed", too_big)
    assert replay_letters(rt) == ReplayCounts(failed=2)
    monkeypatch.setattr(jobs.ingest.replay, "_database_works", lambda _rt: False)
    with pytest.raises(OperationalError):
        replay_letters(rt)
    assert [letter.times for letter in letters(rt)] == [2, 2]


def test_what_was_applied_is_settled_though_redis_is_away(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise RedisError

    keep(rt, good(1), good(2))
    monkeypatch.setattr(jobs.ingest.replay, "wake_after", away)
    assert replay_letters(rt) == ReplayCounts(applied=2)
    assert [letter.payload for letter in letters(rt)] == ["", ""]
