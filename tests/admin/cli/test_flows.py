"""`flask flows`."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from admin.cli import flows
from models.tables.audit import Audit
from models.tables.flow import Flow, FlowVersion
from tests.support.cli_app import Shell
from tests.support.paths import EXAMPLES, ROOT

pytestmark = pytest.mark.sqlite_unless_proved


def test_a_flow_is_checked_and_loaded_in_versions(shell: Shell) -> None:
    example = str(ROOT / "docs" / "examples" / "spring_replies.yaml")
    assert shell.data("flows", "load", example) == {"id": 1, "name": "spring_replies", "version": 1}
    assert shell.data("flows", "load", example)["version"] == 1
    assert "nothing wrong" in shell.ok("flows", "check", example)
    checked = shell.ok("flows", "check", example)
    assert "price: unknown, no rate card has a price for answers" in checked
    shell.ok("rates", "load", str(EXAMPLES / "rates.csv"))
    found = json.loads(shell.ok("flows", "check", example, "--json"))
    messages, price = found["messages"], found["price"]
    assert 1 <= messages["shortest"] <= messages["longest"]
    assert price["currency"] == "EUR"
    for line in price["countries"]:
        assert Decimal(line["longest"]) == messages["longest"] * Decimal(line["price"])
    assert f"{messages['shortest']} at least" in shell.ok("flows", "check", example)
    broken = shell.file("broken.yaml", "name: broken\nstart: nowhere\nnodes: {}\n")
    assert "broken.yaml" in shell.refused("flows", "check", broken)
    assert "broken.yaml" in shell.refused("flows", "load", broken)


def _hello(shell: Shell, text: str = "Hello", **values: str) -> str:
    lines = [f"{name}: {value}" for name, value in ({"name": "hello", "start": "a"} | values).items()]
    return shell.file("hello.yaml", "\n".join([*lines, "nodes:", "  a: {type: end, text: " + text + "}"]))


def test_another_flow_of_the_same_name_is_loaded_only_on_purpose(shell: Shell) -> None:
    assert shell.data("flows", "load", _hello(shell))["version"] == 1
    assert shell.data("flows", "load", _hello(shell))["version"] == 1
    line = shell.refused("flows", "load", _hello(shell, "Good day"))
    assert "hello: there is a bot flow of this name already, at version 1, named by 0 campaigns" in line
    assert "--replace" in line
    assert shell.data("flows", "load", _hello(shell, "Good day"), "--replace")["version"] == 2


@pytest.mark.parametrize(("answer", "version"), [("y", 2), ("n", 1)])
def test_in_a_terminal_the_command_asks(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, version: int
) -> None:
    shell.ok("flows", "load", _hello(shell))
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(flows, "sys", terminal)
    result = shell.run("flows", "load", _hello(shell, "Good day"), stdin=f"{answer}\n")
    assert "Load over it? [y/N]" in result.stderr
    assert result.exit_code == (0 if version == 2 else 1)
    with shell.rt.database.read() as session:
        assert session.scalar(select(Flow.version)) == version


def test_an_earlier_version_is_made_current_as_the_newest(shell: Shell) -> None:
    shell.ok("flows", "load", _hello(shell))
    shell.ok("flows", "load", _hello(shell, "Good day"), "--replace")
    assert shell.data("flows", "rollback", "hello", "1") == {"id": 1, "name": "hello", "version": 3}
    with shell.rt.database.read() as session:
        versions = {row.version: row.definition for row in session.scalars(select(FlowVersion))}
        entry = session.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert versions[3] == versions[1] != versions[2]
    assert entry is not None
    assert (entry.action, entry.object_id, entry.detail) == ("roll_back", "1", {"name": "hello", "of": 1, "version": 3})
    assert "says what the current version says" in shell.refused("flows", "rollback", "hello", "1")
    assert "there is no version 9" in shell.refused("flows", "rollback", "hello", "9")
    assert "there is no version 1" in shell.refused("flows", "rollback", "nobody", "1")


def test_an_opt_out_word_of_the_house_is_refused_as_a_title_and_a_keyword(shell: Shell) -> None:
    shell.ok("settings", "set", "stop_words", "Schluss; Genug")
    for command in ("check", "load"):
        line = shell.refused("flows", command, _hello(shell, keywords="[schluss!]"))
        assert "'schluss!' is an opt-out word of your own" in line
    choice = "{type: message, text: More, buttons: [{title: Genug}]}"
    file = shell.file("asks.yaml", f"name: asks\nstart: a\nnodes:\n  a: {choice}\n")
    assert "nodes.a: 'Genug' is an opt-out word of your own" in shell.refused("flows", "check", file)
