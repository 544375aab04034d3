"""Commands whose module is imported when they are called."""

import gc

import pytest

from tests.support.cli_app import Shell


@pytest.mark.sqlite_only
def test_what_a_command_leaves_behind_is_collected_in_a_process_that_runs_another(shell: Shell) -> None:
    shell.ok("attributes", "list")
    frozen = gc.get_freeze_count()
    assert frozen > 0
    shell.ok("attributes", "list")
    shell.ok("numbers", "list")
    assert gc.get_freeze_count() <= frozen
