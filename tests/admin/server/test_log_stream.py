"""What the children say, on one screen."""

import io
import os
import pty
from pathlib import Path

import pytest

from admin.server.child import Child
from admin.server.log_stream import LogStream
from tests.support.supervised import SLEEPER, eventually, process, python, running, wait_for_lines


@pytest.mark.process
def test_every_line_stands_behind_the_name_of_who_said_it(tmp_path: Path) -> None:
    noisy = "import sys; print('out'); print('err', file=sys.stderr, flush=True); print('no end', end='')"
    with running(tmp_path, Child("web", python(SLEEPER)), Child("once", python(noisy), restart=False)) as it:
        assert it.says("once ended with exit status 0")
        assert it.says("here")
    lines = it.log.getvalue().splitlines()
    assert {"web  | here", "once | out", "once | err", "once | no end", "hark | stopping"} <= set(lines)
    assert it.exit_code == 0


@pytest.mark.process
def test_what_a_child_prints_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with running(tmp_path, Child("bad", python("print('a\\x1b[2Jb\\rc\\x9b')"), restart=False)) as it:
        assert it.says("a·[2Jbc·")


@pytest.mark.process
def test_a_reader_that_does_not_read_stops_nobody(tmp_path: Path) -> None:
    chatty = (
        "import pathlib, time\nfor n in range(40_000): print('x' * 100)\n"
        f"pathlib.Path({str(tmp_path)!r}, 'done').touch(); time.sleep(60)"
    )
    with process(tmp_path, ("chatty", chatty, 1)) as supervisor:
        assert eventually((tmp_path / "done").exists)
        supervisor.terminate()
        assert eventually(lambda: not (tmp_path / "processes.json").exists())
        said, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert said.startswith("chatty | xxx")


@pytest.mark.process
def test_it_stops_when_its_terminal_is_gone(tmp_path: Path) -> None:
    chatty = "import time\nwhile True: print('x'); time.sleep(0.02)"
    with process(tmp_path, ("chatty", chatty, 1)) as supervisor:
        wait_for_lines(supervisor, "x", 1)
        assert supervisor.stdout is not None
        supervisor.stdout.close()
        assert supervisor.wait(60) == 0


def test_a_terminal_gets_colours_and_is_never_waited_for() -> None:
    leader, follower = pty.openpty()
    with open(follower, "w") as terminal, open(leader, "rb", buffering=0) as screen:  # noqa: PTH123 - descriptors
        stream = LogStream(terminal, ["web", "worker-1"])
        stream.line("web", "hello")
        stream.push()
        assert screen.read(100) == b"\x1b[36mweb      |\x1b[0m hello\r\n"
        for _ in range(60):
            stream.line("web", "x" * 20_000)
        stream.push()
        stream.close(seconds=0.1)  # nobody reads: a stream that waited would never come back
        assert os.get_blocking(follower)


def test_lines_left_out_are_counted() -> None:
    out = io.StringIO()
    stream = LogStream(out, ["web"])
    for _ in range(70):
        stream.line("web", "x" * 20_000)
    stream.push()
    stream.line("web", "after")
    stream.close()
    assert out.getvalue().endswith("web | (17 lines were left out here: nobody read them)\nweb | after\n")
