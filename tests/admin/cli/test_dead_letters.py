"""`flask dead-letters`."""

import pytest
from sqlalchemy import select

from models.tables.audit import Audit
from tests.support.cli_app import Shell
from tests.support.dead_letters import good, keep


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
