"""Dead letters: found, shown and applied again, one or all, by whoever and however many at once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import jobs.ingest.replay
from jobs.core.runtime import Runtime
from jobs.ingest.replay import ReplayCounts, ReplayResult, replay_letters, replay_one
from models.clock import utcnow
from models.events.dead_letter_search import LetterState, search_letters
from models.events.dead_letters import keep_dead_letter, payload_of, purge_dead_letters, settle_letter
from models.tables.audit import Audit
from models.tables.webhook_event import DeadLetter
from tests.support.cli_app import Shell, open_shell

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
            keep_dead_letter(session, raw, "ValueError at bot/webhooks/parse.py:1", utcnow() - days_ago * DAY)


def good(place: int) -> bytes:
    """A payload that can be applied, each another."""
    return json.dumps({"object": "whatsapp_business_account", "entry": [], "place": place}).encode()


def letters(rt: Runtime) -> list[DeadLetter]:
    with rt.database.read() as session:
        return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))


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


def test_the_command_lists_and_searches(shell: Shell) -> None:
    keep(shell.rt, b"Alice", b"Bob")
    assert [row["id"] for row in shell.data("dead-letters", "list", "--json")] == [2, 1]
    [row] = shell.data("dead-letters", "list", "--search", "alice", "--json")
    assert {
        "id": 1,
        "state": "waiting",
        "times": 1,
        "error": "ValueError at bot/webhooks/parse.py:1",
    }.items() <= row.items()
    assert len(shell.data("dead-letters", "list", "--limit", "1", "--json")) == 1
    head, line = shell.ok("dead-letters", "list", "--search", "BOB").splitlines()
    assert head.split() == ["id", "state", "times", "first_at", "last_at", "error"]
    assert line.startswith("2   waiting  1")


def test_the_command_shows_one_and_a_terminal_obeys_nothing_of_it(shell: Shell) -> None:
    keep(shell.rt, b'{"b":[1]}', b"\x1b[2J" + "\u009b é".encode(), b"\xff\x00", b"[" * 200_000)
    shown = shell.ok("dead-letters", "show", "1")
    assert shown.endswith('{\n  "b": [\n    1\n  ]\n}\n')
    assert "dead letter 1: waiting, once" in shown
    assert shell.ok("dead-letters", "show", "2").endswith("\\x1b[2J\\x9b é\n")
    assert "2 bytes" in shell.ok("dead-letters", "show", "3")
    assert shell.data("dead-letters", "show", "3", "--json")["payload_base64"] == "/wA="
    assert shell.data("dead-letters", "show", "1", "--json")["payload"] == '{"b":[1]}'
    assert shell.ok("dead-letters", "show", "4").endswith("[[[\n")
    assert "dead letter 9" in shell.refused("dead-letters", "show", "9")


def test_the_command_replays_those_that_are_named_and_says_which_do_not_wait(shell: Shell) -> None:
    keep(shell.rt, good(1), b"{", good(2))
    assert shell.ok("dead-letters", "replay", "1") == "1 applied, 0 failed again\n"
    assert "went when it was applied" in shell.ok("dead-letters", "show", "1")
    result = shell.run("dead-letters", "replay", "1", "2", "3", "3")
    assert (result.exit_code, result.stdout) == (1, "1 applied, 1 failed again\n")
    assert result.stderr.count("\n") == 1
    assert "dead letter 1: there is none that waits" in result.stderr
    assert "1 failed again" in result.stderr
    with shell.rt.database.read() as session:
        rows = session.scalars(select(Audit).where(Audit.object_type == "dead_letter").order_by(Audit.id)).all()
    told = [(row.actor, row.action, row.object_id, row.detail["failed"]) for row in rows]
    assert told == [("cli", "replay", "1", 0), ("cli", "replay", "2", 1), ("cli", "replay", "3", 0)]


def test_the_command_replays_all(shell: Shell) -> None:
    keep(shell.rt, good(1), good(2))
    assert shell.data("dead-letters", "replay", "--all", "--json") == {"applied": 2, "failed": 0, "skipped": 0}
    keep(shell.rt, b"{")
    assert "1 failed again" in shell.refused("dead-letters", "replay", "--all")


@pytest.mark.parametrize("arguments", [(), ("--all", "1"), ("one",)])
def test_a_replay_of_nothing_or_of_both_is_wrong_usage(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell.refused("dead-letters", "replay", *arguments, code=2)
