"""`flask lists`, `segments` and `cases`."""

from sqlalchemy import select

from models.tables.conversation import Case
from tests.support.cli_app import Shell


def test_a_list_takes_contacts_that_exist(shell: Shell) -> None:
    shell.add_people()
    path = shell.file("list.csv", "phone\n+447700900001\n+447700900003\n")
    assert shell.data("lists", "add", "Friends", path)["added"] == 2
    assert shell.data("lists", "add", "Friends", path)["added"] == 0
    stranger = shell.file("strangers.csv", "phone\n+447700900099\n")
    result = shell.run("lists", "add", "Friends", stranger)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    other = shell.file("other.csv", "Tel;Name\n+447700900002;x\n")
    assert shell.data("lists", "add", "Friends", other, "--map", "Tel=phone")["added"] == 1


def test_a_segment_is_loaded_from_yaml(shell: Shell) -> None:
    shell.add_people()
    good = shell.file("segment.yaml", "name: Madrid\nall:\n  - {on: tag, name: city, op: is, value: Madrid}\n")
    loaded = shell.run("segments", "load", good)
    if loaded.exit_code:  # the words of the rule are the rule's own affair: what it refuses is one line
        assert len(loaded.stderr.splitlines()) == 1
    assert "no YAML" in shell.refused("segments", "load", shell.file("bad.yaml", "name: [\n"))
    assert "name" in shell.refused("segments", "load", shell.file("empty.yaml", "[]"))


def test_a_case_is_opened_and_closed_by_phone(shell: Shell) -> None:
    shell.add_people()
    shell.ok("cases", "open", "+44 7700 900001", "--reason", "asked for a refund")
    assert "already" in shell.refused("cases", "open", "+447700900001")
    shell.ok("cases", "close", "+447700900001")
    assert "no case" in shell.refused("cases", "close", "+447700900001")
    assert "no contact" in shell.refused("cases", "open", "+447700900099")
    assert "no phone" in shell.refused("cases", "open", "nobody")
    with shell.rt.database.read() as session:
        assert session.scalars(select(Case)).one().closed_by == "cli"
