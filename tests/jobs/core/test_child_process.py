"""Processes that do not outlive their parent: in a process killed outright, nobody says good-bye."""

import subprocess
import sys

import pytest

from jobs.core.child_process import die_with_parent_process
from tests.support.paths import ROOT
from tests.support.services import is_alive, wait_until_gone

pytestmark = pytest.mark.process

LIBRARY = """
import multiprocessing, time
from jobs.core.child_process import die_with_parent_process
def work():
    die_with_parent_process()
    print(multiprocessing.current_process().pid, flush=True)
    time.sleep(60)
multiprocessing.get_context("fork").Process(target=work).start()
time.sleep(60)
"""
PLAIN = """
import subprocess, time
from jobs.core.child_process import kill_with_parent
print(subprocess.Popen(["sleep", "60"], preexec_fn=kill_with_parent()).pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("program", [LIBRARY, PLAIN], ids=["a library's worker", "a child of ours"])
def test_the_child_of_a_process_killed_outright_is_gone(program: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    assert wait_until_gone(child)


def test_a_process_that_no_library_started_is_left_alone() -> None:
    program = "from jobs.core.child_process import die_with_parent_process; die_with_parent_process()"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    die_with_parent_process()
