"""flask as a process of its own: settings, exit statuses, and everything in one terminal."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.paths import ROOT
from tests.support.running_hark import free_port
from tests.support.services import is_alive, wait_until_gone

pytestmark = pytest.mark.process

FLASK = (sys.executable, "-m", "flask")


def environment(directory: Path, **more: str) -> dict[str, str]:
    """Nothing but what a process needs, and what the test says."""
    env = {
        "PATH": os.environ["PATH"],
        "HARK_VAR_DIR": str(directory),
        "HARK_ENV_FILE": os.devnull,
        "FLASK_SKIP_DOTENV": "1",
    }
    return env | more


def flask(env: Mapping[str, str], *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLASK, *arguments],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def wait_for(is_so: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def up(directory: Path, port: int, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """flask up and its log."""
    log = directory / "up.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [*FLASK, "up", "--port", str(port), *arguments], env=environment(directory), cwd=ROOT, stdout=out,
            stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        wait_for(lambda: is_ready(port) or process.poll() is not None)
        yield process, log
    finally:
        process.kill()
        process.wait()


def test_bad_settings_are_one_line_that_names_them_all(directory: Path) -> None:
    done = flask(environment(directory, GRAPH_API_URL="http://example.com", TIME_ZONE="Mars/Base"), "db", "check")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "GRAPH_API_URL=http://example.com" in done.stderr
    assert "TIME_ZONE=Mars/Base" in done.stderr


def test_a_command_that_is_none_is_wrong_usage(directory: Path) -> None:
    done = flask(environment(directory), "dance")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "'dance'" in done.stderr


def test_a_database_without_tables_says_what_to_do(directory: Path) -> None:
    for arguments in (("db", "check"), ("campaigns", "list"), ("users", "add", "a@b", "--role", "admin")):
        done = flask(environment(directory), *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "flask db upgrade" in done.stderr


def test_help_needs_no_settings_and_makes_nothing(directory: Path) -> None:
    done = flask(environment(directory / "var", TIME_ZONE="Mars/Base"), "--help")
    assert done.returncode == 0
    for name in (
        "up",
        "demo",
        "sandbox",
        "db",
        "users",
        "numbers",
        "templates",
        "contacts",
        "flows",
        "campaigns",
        "cases",
    ):
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE), name
    assert not (directory / "var").exists()


def test_the_named_file_goes_before_the_usual_one(directory: Path) -> None:
    (directory / ".env").write_text("TIME_ZONE=Mars/Base\n")
    (directory / "other.env").write_text("DEFAULT_COUNTRY=XX\n")
    env = environment(directory, HARK_ENV_FILE=str(directory / "other.env"), FLASK_APP=str(ROOT / "wsgi.py"))
    del env["FLASK_SKIP_DOTENV"]
    done = flask(env, "db", "check", cwd=directory)
    assert "DEFAULT_COUNTRY=XX" in done.stderr
    assert "Mars" not in done.stderr


def test_everything_runs_in_one_terminal_and_stops_within_ten_seconds(directory: Path) -> None:
    port = free_port()
    with up(directory, port) as (process, log):
        assert is_ready(port), log.read_text()
        said = log.read_text()
        assert f"http://127.0.0.1:{port}/admin/" in said
        assert re.search(r"sign in as admin@localhost with the one-time password \S{15,}", said)
        wait_for(lambda: len(json.loads((directory / "processes.json").read_text())) >= 11)
        pids = json.loads((directory / "processes.json").read_text())
        assert set(pids) == {
            "supervisor", "redis", "front", "web", "ingest", "clicks", "schedule", "replies", "chores", "sender-1",
            "sender-2",
        }  # fmt: skip
        second = flask(environment(directory), "up", "--port", str(free_port()))
        assert (second.returncode, len(second.stderr.splitlines())) == (1, 1)
        assert "already running" in second.stderr
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert "did not stop within" not in log.read_text(), "who is not gone after nine seconds is killed"
        assert not any(is_alive(pid) for pid in pids.values())
    again = flask(environment(directory), "users", "add", "a@b", "--role", "viewer", "--json")
    assert json.loads(again.stdout)["id"] == 2  # the first admin stayed


def test_children_die_with_a_supervisor_that_is_killed(directory: Path) -> None:
    port = free_port()
    with up(directory, port, "--workers", "1") as (process, _):
        wait_for(lambda: len(json.loads((directory / "processes.json").read_text())) >= 10)
        pids = json.loads((directory / "processes.json").read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()
        for pid in pids.values():
            assert wait_until_gone(pid)
        wait_for(lambda: not is_ready(port))
        with socket.socket() as probe:  # nobody holds the port, granian's worker neither
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            wait_for(lambda: probe.connect_ex(("127.0.0.1", port)) != 0)


def test_a_port_in_use_is_one_line(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = flask(environment(directory), "up", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "--port" in done.stderr


def test_the_panel_can_have_a_port_of_its_own(directory: Path) -> None:
    port, panel_port = free_port(), free_port()
    same = flask(environment(directory), "up", "--port", str(port), "--panel-port", str(port))
    assert (same.returncode, same.stderr.count("\n")) == (1, 1)
    assert "--panel-port" in same.stderr
    with up(directory, port, "--workers", "1", "--panel-port", str(panel_port)) as (process, log):
        assert is_ready(panel_port), log.read_text()
        assert f"panel: http://127.0.0.1:{panel_port}/admin/\n" in log.read_text()
        statuses = {
            where: httpx.get(f"http://127.0.0.1:{where}/admin/sign-in", timeout=20).status_code
            for where in (port, panel_port)
        }
        assert statuses == {port: 404, panel_port: 200}
        assert httpx.post(f"http://127.0.0.1:{port}/webhooks/whatsapp", timeout=20).status_code == 401
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_another_encryption_key_is_noticed_at_the_start(directory: Path) -> None:
    port = free_port()
    with up(directory, port, "--workers", "1") as (process, _):
        process.terminate()
        process.wait(timeout=60)
    (directory / "encryption_key").unlink()
    done = flask(environment(directory), "up", "--port", str(port))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "ENCRYPTION_KEY" in done.stderr


def test_the_sandbox_is_a_command(directory: Path) -> None:
    assert "--webhook-url" in flask(environment(directory), "sandbox", "--help").stdout
