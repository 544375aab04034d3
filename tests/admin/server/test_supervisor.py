"""The supervisor: it starts everybody in order, brings back who dies, and stops all together."""

import io
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from redis import Redis

from admin.server.child import Child
from admin.server.supervisor import AlreadyRunningError, Supervisor, lock_directory, read_restarts
from jobs.core.redis_server import redis_answers, redis_argv, redis_url
from tests.support.services import is_alive, wait_until_gone
from tests.support.supervised import DEAF, POLITE, SLEEPER, eventually, pids, process, python, running, wait_for_lines

pytestmark = pytest.mark.process


def test_a_child_killed_outright_comes_back(tmp_path: Path) -> None:
    with running(tmp_path, Child("worker", python(SLEEPER), count=2)) as it:
        first, other = it.pid("worker-1"), it.pid("worker-2")
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: it.supervisor.pid_of("worker-1") not in {None, first})
        assert it.says("worker-1 was killed by SIGKILL; starting it again in 0.2 s")
        assert it.supervisor.pid_of("worker-2") == other
        # The file follows the start of the process by a moment.
        listed = tmp_path / "processes.json"
        assert eventually(
            lambda: json.loads(listed.read_text()).get("worker-1") == it.supervisor.pid_of("worker-1") != first
        )
        with pytest.raises(KeyError):
            it.supervisor.pid_of("nobody")
    assert not (tmp_path / "processes.json").exists()


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    with running(tmp_path, Child("bad", python("raise SystemExit(3)"))) as it:
        assert it.says("bad ended with exit status 3; starting it again in 0.8 s")
    waits = re.findall(r"again in (\S+) s", it.log.getvalue())
    assert waits[:3] == ["0.2", "0.4", "0.8"]


def test_a_child_that_lived_well_is_started_again_at_once(tmp_path: Path) -> None:
    with running(tmp_path, Child("fair", python("import time; time.sleep(0.2)")), healthy_seconds=0.1) as it:
        assert it.says("starting it again in 0.2 s", times=3)
    assert "0.4 s" not in it.log.getvalue()


def test_a_command_that_does_not_exist_is_tried_again_and_said_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path, Child("gone", ["/nowhere/at-all"])) as it:
        assert it.says(
            "gone cannot be started (/nowhere/at-all: No such file or directory); starting it again in 0.4 s"
        )
    assert "Traceback" not in it.log.getvalue()


def test_whom_a_dead_child_left_behind_goes_with_it(tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys, time; print('pid', subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    with running(tmp_path, Child("parent", python(parent))) as it:
        assert it.says("pid ")
        left = int(re.findall(r"pid (\d+)", it.log.getvalue())[0])
        os.kill(it.pid("parent"), signal.SIGKILL)
        assert wait_until_gone(left)


def test_nobody_starts_before_the_one_they_stand_on_is_ready(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    base = Child("base", python(SLEEPER), ready=flag.exists)
    with running(tmp_path, base, Child("upper", python(POLITE))) as it:
        assert it.says("base  | here")
        time.sleep(0.3)
        assert it.supervisor.pid_of("upper") is None
        flag.touch()
        assert it.says("upper | here")
        it.supervisor.stop()
        assert it.says("told to stop")
        assert it.supervisor.pid_of("base") is not None  # told to stop only after the one that stands on it is gone
    assert it.exit_code == 0


def test_one_that_never_becomes_ready_ends_it_all(tmp_path: Path) -> None:
    base = Child("base", python(SLEEPER), ready=lambda: False, ready_seconds=0.3)
    with running(tmp_path, base, Child("upper", python(SLEEPER))) as it:
        it.thread.join(60)
    assert it.exit_code == 1
    assert re.search(r"base was not ready within \d+ s\n", it.log.getvalue())  # how long depends on the machine's load


def test_the_end_of_an_essential_child_is_everybodys(tmp_path: Path) -> None:
    go = tmp_path / "go"
    campaign = (
        f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)\nraise SystemExit(7)"
    )
    children = Child("web", python(SLEEPER)), Child("campaign", python(campaign), restart=False, essential=True)
    with running(tmp_path, *children) as it:
        web = it.pid("web")
        go.touch()
        it.thread.join(60)
    assert it.exit_code == 7
    assert not is_alive(web)


def test_a_redis_that_dies_comes_back_with_what_it_held(tmp_path: Path) -> None:
    directory = tmp_path / "redis"
    url = redis_url(directory)
    child = Child("redis", redis_argv(directory), ready=lambda: redis_answers(url))
    with running(tmp_path, child, Child("web", python(SLEEPER))) as it, Redis.from_url(url) as client:
        assert it.says("here")
        client.set("kept", "1")
        os.kill(it.pid("redis"), signal.SIGKILL)
        assert it.says("redis was killed by SIGKILL")
        assert eventually(lambda: read_restarts(tmp_path) == {"redis": 1})
        assert eventually(lambda: redis_answers(url))
        assert client.get("kept") == b"1"
    assert not redis_answers(url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everybody_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with process(tmp_path, ("web", POLITE, 1), ("worker", POLITE, 2)) as supervisor:
        children = pids(tmp_path, 3)
        wait_for_lines(supervisor, "here", 3)
        supervisor.send_signal(number)
        time.sleep(0.15)
        supervisor.send_signal(number)  # an impatient second one changes nothing
        said, error = supervisor.communicate(timeout=60)
    assert (supervisor.returncode, error) == (0, "")
    assert said.count("told to stop") == 3  # one signal each
    assert "did not stop within" not in said
    assert "interrupted" not in said
    assert not any(map(is_alive, children.values()))


def test_who_does_not_hear_is_killed_within_ten_seconds(tmp_path: Path) -> None:
    with running(tmp_path, Child("deaf", python(DEAF)), Child("web", python(SLEEPER)), stop_seconds=2) as it:
        assert it.says("here", times=2)
        deaf = it.pid("deaf")
        it.supervisor.stop()
        it.thread.join(60)
    assert it.exit_code == 0
    assert "deaf did not stop within" in it.log.getvalue()
    assert "web did not stop" not in it.log.getvalue()
    assert not is_alive(deaf)


def test_nobody_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    with process(tmp_path, ("web", SLEEPER, 1), ("deaf", DEAF, 2)) as supervisor:
        children = pids(tmp_path, 3)
        wait_for_lines(supervisor, "here", 3)
        supervisor.kill()
        supervisor.wait()
    assert all(wait_until_gone(pid) for pid in children.values())
    with lock_directory(tmp_path):
        pass  # and its lock is free


def test_a_second_supervisor_on_the_same_directory_is_refused_with_one_line(tmp_path: Path) -> None:
    with running(tmp_path, Child("web", python(SLEEPER))) as it:
        it.pid("web")
        with pytest.raises(AlreadyRunningError, match=rf"already running on .* \(process {os.getpid()}\)"):
            Supervisor([], io.StringIO(), tmp_path).run()
        with process(tmp_path, ("web", SLEEPER, 1)) as second:
            said, error = second.communicate(timeout=60)
        assert (second.returncode, said, error.count("\n")) == (1, "", 1)
        assert it.supervisor.pid_of("web") is not None


def test_two_children_of_one_name_are_refused(tmp_path: Path) -> None:
    for twice in (["web", "web"], ["hark"], ["supervisor"]):
        with pytest.raises(ValueError, match="names of their own"):
            Supervisor([Child(name, ["true"]) for name in twice], io.StringIO(), tmp_path)
