"""Dead letters: found, shown and applied again, one or all, by whoever and however many at once."""

from typing import Any

import pytest
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

import jobs.ingest.replay
from jobs.core.runtime import Runtime
from jobs.ingest.replay import ReplayCounts, ReplayResult, replay_letters, replay_one
from models.clock import utcnow
from models.events.dead_letter_search import LetterState, search_letters
from models.events.dead_letters import payload_of, purge_dead_letters, settle_letter
from tests.support.dead_letters import GOOD, good, keep, letters


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


def found(rt: Runtime, text: str, **more: Any) -> list[str]:
    """The beginnings of the payloads that a search finds, newest first."""
    with rt.database.read() as session:
        return [letter.beginning for letter in search_letters(session, text, **more).letters]


@pytest.mark.parametrize(
    ("text", "payloads"),
    [
        ("alice", ["Alice"]),
        ("valueerror", ["", "100_%", '"Jos\\u00e9"', "Alice"]),
        ("00_%", ["100_%"]),
        ("%", ["100_%"]),
        ("José", ['"Jos\\u00e9"']),
        ("base64", []),
        ("/wA", []),
        ("a\x00lice", ["Alice"]),
        ("\udcff 100", ["100_%"]),
    ],
)
def test_a_search_is_plain_text_in_payload_and_error(rt: Runtime, text: str, payloads: list[str]) -> None:
    keep(rt, b"Alice", b'"Jos\\u00e9"', b"100_%", b"\xff\x00")
    assert found(rt, text) == payloads


def test_letters_are_found_by_their_state_and_a_list_loads_no_whole_payload(rt: Runtime) -> None:
    keep(rt, b"x" * 3_000_000, good(1))
    with rt.database.write() as session:
        settle_letter(session, letters(rt)[1].id, utcnow())
    assert found(rt, "", state=LetterState.WAITING) == ["x" * 2000]
    assert found(rt, "", state=LetterState.APPLIED) == [""]


def test_a_long_search_says_where_it_goes_on(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.events.dead_letter_search.WINDOW", 2)
    keep(rt, b"needle", b"hay", b"straw", b"needle too", b"hay again")
    before, pages = None, []
    for _ in range(3):
        with rt.database.read() as session:
            page = search_letters(session, "needle", before_id=before, limit=5)
        pages.append([letter.beginning for letter in page.letters])
        before = page.next_before_id
    assert (pages, before) == ([["needle too"], [], ["needle"]], None)
