"""Dead letters: found, shown and applied again, one or all, by whoever and however many at once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import jobs.replay
from jobs.replay import Fate, Replayed, replay, replay_one
from jobs.runtime import Runtime
from models.clock import utcnow
from models.dead_letters import keep_dead_letter, payload_of, purge_dead_letters, settle_letter
from models.inbox import DeadLetter
from tests.cli_app import Shell, open_shell

GOOD = b'{"object":"whatsapp_business_account","entry":[]}'
DAY = timedelta(days=1)


@pytest.fixture
def shell(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> Iterator[Shell]:
    with open_shell(tmp_path, database_url, redis_url) as shell:
        yield shell


@pytest.fixture
def rt(shell: Shell) -> Runtime:
    return shell.rt


def keep(rt: Runtime, *raws: bytes, days_ago: float = 0) -> None:
    with rt.database.write() as session:
        for raw in raws:
            keep_dead_letter(session, raw, "ValueError at bot/events.py:1", utcnow() - days_ago * DAY)


def good(place: int) -> bytes:
    """A payload that can be applied, each another."""
    return json.dumps({"object": "whatsapp_business_account", "entry": [], "place": place}).encode()


def letters(rt: Runtime) -> list[DeadLetter]:
    with rt.database.read() as session:
        return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))


def test_what_fails_again_is_counted_with_its_newest_error_and_keeps_its_first_time(rt: Runtime) -> None:
    keep(rt, b"{", days_ago=3)
    [before] = letters(rt)
    assert replay(rt) == Replayed(failed=1)
    [after] = letters(rt)
    assert (after.id, after.times, after.first_at, after.payload) == (before.id, 2, before.first_at, "{")
    assert after.last_at > before.last_at
    assert after.error.startswith("BadEventError")


def test_neither_coming_again_nor_failing_again_keeps_a_payload_for_longer(rt: Runtime) -> None:
    keep(rt, b"{", days_ago=31)
    keep(rt, b"[", days_ago=29)
    keep(rt, b"{")
    replay(rt)
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

    monkeypatch.setattr(jobs.replay, "payload_of", settles_the_second_first)
    assert replay(rt) == Replayed(applied=2, skipped=1)


@pytest.mark.parametrize("raw", [b"{", GOOD])
def test_whoever_comes_second_with_the_same_letter_undoes_nothing(
    rt: Runtime, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(rt, raw)
    [before] = letters(rt)
    apply = jobs.replay._apply

    def overtaken(rt: Runtime, raw: bytes) -> Any:
        done = apply(rt, raw)
        with rt.database.write() as session:
            settle_letter(session, before.id, utcnow())
        return done

    monkeypatch.setattr(jobs.replay, "_apply", overtaken)
    assert replay_one(rt, before.id) is Fate.SKIPPED
    [after] = letters(rt)
    assert (after.payload, after.times, after.error) == ("", 1, before.error)
    assert after.replayed_at is not None


def test_a_replay_of_all_goes_page_by_page_and_meets_none_twice(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.replay, "PAGE", 2)
    keep(rt, b"{", good(1), b"[", good(2), b"(")
    assert replay(rt) == Replayed(applied=2, failed=3)
    assert [letter.times for letter in letters(rt)] == [2, 1, 2, 1, 2]


def test_a_letter_that_the_database_cannot_take_is_told_from_an_outage(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.replay, "TRY_SECONDS", 0.0)
    keep(rt, GOOD, good(1))

    def too_big(rt: Runtime, parsed: Any) -> Any:
        raise OperationalError("UPDATE", {}, Exception("too big"))

    monkeypatch.setattr(jobs.replay, "apply_parsed", too_big)
    assert replay(rt) == Replayed(failed=2)
    monkeypatch.setattr(jobs.replay, "_database_works", lambda _rt: False)
    with pytest.raises(OperationalError):
        replay(rt)
    assert [letter.times for letter in letters(rt)] == [2, 2]
