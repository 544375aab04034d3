"""`flask settings`."""

import pytest
from sqlalchemy import select

from models.tables.audit import Audit
from models.tables.setting import read_setting
from tests.support.cli_app import Shell

pytestmark = pytest.mark.sqlite_unless_proved


def test_the_frequency_cap_and_other_settings_are_set_and_shown(shell: Shell) -> None:
    assert shell.ok("settings", "set", "frequency_cap_messages", "2").strip() == "frequency_cap_messages is 2"
    assert shell.data("settings", "set", "double_opt_in", "yes", "--json")["value"] is True
    shown = {line["key"]: line["value"] for line in shell.data("settings", "show", "--json")}
    assert (shown["frequency_cap_messages"], shown["frequency_cap_days"], shown["double_opt_in"]) == (2, 7, True)
    assert "frequency_cap_messages" in shell.ok("settings", "show")
    assert "installation" not in shown
    with shell.rt.database.read() as session:
        assert read_setting(session, "frequency_cap_messages") == 2
        assert session.scalar(select(Audit.object_id).where(Audit.action == "change")) == "frequency_cap_messages"


def test_settings_that_are_none_are_refused_in_one_line(shell: Shell) -> None:
    assert "frequency_cap_days: “-1”: allowed is a whole number" in shell.refused(
        "settings", "set", "frequency_cap_days", "--", "-1"
    )
    assert "installation: there is no such setting" in shell.refused("settings", "set", "installation", "x")
    assert "double_opt_in: maybe: allowed are yes and no" in shell.refused("settings", "set", "double_opt_in", "maybe")


def test_own_opt_out_words_are_words_and_no_opt_in(shell: Shell) -> None:
    assert "stop_words is Schluss; fin" in shell.ok("settings", "set", "stop_words", "Schluss; fin")
    for text, problem in (
        ("fin; !!", "“!!”: a word needs letters"),
        ("START", "means the opposite"),
        ("yes", "opposite"),
    ):
        assert problem in shell.refused("settings", "set", "stop_words", text)
    with shell.rt.database.read() as session:
        assert read_setting(session, "stop_words") == "Schluss; fin"
    assert "stop_words is empty" in shell.ok("settings", "set", "stop_words", "")
