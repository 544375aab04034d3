"""`flask audit verify`; on both databases."""

import pytest

from tests.support.audit_rows import audit_ids, tamper
from tests.support.cli_app import Shell

pytestmark = pytest.mark.sqlite_unless_proved


def test_an_audit_that_holds_is_one_line_with_its_end(shell: Shell) -> None:
    assert shell.ok("audit", "verify").startswith("the audit is empty")
    shell.ok("settings", "set", "stop_answer", "Bye.")
    shell.ok("settings", "set", "stop_answer", "Goodbye.")
    line = shell.ok("audit", "verify")
    assert line.startswith("2 rows hold together, from 2")
    end = line.rsplit("end ", 1)[1].strip()
    data = shell.data("audit", "verify", "--json", "--end", end)
    assert (data["ok"], data["rows"], data["end"], data["redis_compared"]) == (True, 2, end, True)
    assert "allowed is NUMBER:HASH" in shell.refused("audit", "verify", "--end", "5")


def test_where_it_breaks_is_said_in_one_line_and_exits_1(shell: Shell) -> None:
    for answer in ("A", "B", "C"):
        shell.ok("settings", "set", "stop_answer", answer)
    second = audit_ids(shell.rt)[1]
    tamper(shell.rt, f"UPDATE audit SET actor = 'bob@example.com' WHERE id = {second}")
    assert shell.refused("audit", "verify") == f"the audit is broken: number 2 (row {second}) was changed"
    result = shell.run("audit", "verify", "--json")
    assert result.exit_code == 1
    assert '"how": "changed"' in result.stdout.replace('":"', '": "')


@pytest.mark.sqlite_only
def test_an_end_that_was_cut_off_is_found_by_the_copy_of_the_last_check(shell: Shell) -> None:
    for answer in ("A", "B", "C"):
        shell.ok("settings", "set", "stop_answer", answer)
    shell.ok("audit", "verify")
    tamper(
        shell.rt,
        "DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_seal WHERE number > 1)",
        "DELETE FROM audit_seal WHERE number > 1",
        "UPDATE audit_chain SET number = 1, hash = (SELECT hash FROM audit_seal WHERE number = 1)",
    )
    line = shell.refused("audit", "verify")
    assert line.startswith("the audit is broken: the end was cut off: numbers 2 to 3, which were there at 2")
