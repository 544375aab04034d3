"""A Redis of our own: real servers, both generations of them where both are here."""

import importlib.util
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.core import redis_server
from jobs.core.redis_server import (
    RedisUnavailableError,
    find_redis_binary,
    redis_answers,
    redis_argv,
    redis_url,
)
from tests.support.paths import ROOT
from tests.support.redis_server import RedisServer
from tests.support.services import is_alive, temporary_directory, wait_until_gone

pytestmark = [pytest.mark.redis, pytest.mark.process]

BINARIES = [pytest.param(binary, id=f"redis-{redis_server._version(binary)[0]}") for binary in redis_server._binaries()]


@pytest.fixture(params=BINARIES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", binary=request.param)
    server.start()
    yield server
    server.stop()


def setting(client: "Redis", name: str) -> str:
    return str(client.config_get(name)[name])


def test_it_keeps_everything_it_acknowledges_and_evicts_nothing(server: RedisServer) -> None:
    with Redis.from_url(server.url, decode_responses=True) as client:
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "port": "0"}
        assert {name: setting(client, name) for name in wanted} == wanted
        assert setting(client, "aof-load-truncated") == "yes"
        assert setting(client, "save") == ""


def test_only_its_owner_can_reach_it(server: RedisServer) -> None:
    socket = server.directory / "redis.sock"
    assert Redis.from_url(server.url).connection_pool.connection_kwargs["path"] == str(socket)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700


def test_what_was_written_survives_a_kill(server: RedisServer) -> None:
    with Redis.from_url(server.url) as client:
        client.xadd("events", {"body": b"one"})
        os.kill(server.pid, signal.SIGKILL)
        assert server._process is not None
        server._process.wait()
        with pytest.raises(RedisUnavailableError, match="no Redis of ours runs"):
            _ = server.pid
        server.start()
        assert [fields for _, fields in client.xrange("events")] == [{b"body": b"one"}]


def test_a_truncated_log_is_loaded_up_to_where_it_is_whole(server: RedisServer) -> None:
    with Redis.from_url(server.url) as client:
        client.set("kept", "1")
        client.set("torn", "x" * 1000)
    server.stop()
    logs = [
        path for path in server.directory.rglob("appendonly.aof*") if path.is_file() and "manifest" not in path.name
    ]
    log = max(logs, key=lambda path: path.stat().st_size)
    log.write_bytes(log.read_bytes()[:-100])
    server.start()
    with Redis.from_url(server.url) as client:
        assert (client.get("kept"), client.get("torn")) == (b"1", None)


def test_a_second_one_on_the_same_directory_is_refused(server: RedisServer) -> None:
    with pytest.raises(RedisUnavailableError, match="already runs"):
        RedisServer(server.directory).start()
    assert redis_answers(server.url)


def test_stopping_twice_is_as_good_as_once(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, appendfsync="everysec")
    server.stop()
    server.start()
    server.stop()
    server.stop()
    assert not redis_answers(server.url)


@pytest.mark.parametrize("name", ["d" * 120, "a b %41 ü?#"])
def test_any_directory_will_do(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_directory() as elsewhere:
        monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
        server = RedisServer(tmp_path / name, appendfsync="no")
        server.start()
        try:
            assert redis_answers(server.url)
            assert server.url == redis_url(server.directory)
        finally:
            server.stop()


def test_the_short_directory_for_a_long_path_is_private_and_the_same_every_time(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 120)
    socket = Path(redis_url(directory).removeprefix("unix://"))
    assert len(os.fsencode(socket)) <= 100
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert str(socket) in redis_argv(directory)
    socket.parent.chmod(0o777)
    elsewhere = Path(redis_url(directory).removeprefix("unix://"))
    assert elsewhere.parent != socket.parent
    for made in (socket, elsewhere):
        made.parent.rmdir()


def test_it_dies_with_whoever_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from tests.support.redis_server import RedisServer\n"
        "server = RedisServer(Path(sys.argv[1]), 'no'); server.start(); print(server.pid, flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_alive(pid)
        starter.kill()
    assert wait_until_gone(pid)


def test_without_any_binary_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RedisUnavailableError) as refused:
        redis_argv(tmp_path / "redis")
    assert "apt-get install redis-server" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_binary_that_is_too_old_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.0.16 sha=0'\n")
    old.chmod(0o755)
    monkeypatch.setattr(redis_server, "_binaries", lambda: [old])
    with pytest.raises(RedisUnavailableError, match=r"no redis-server 6\.2 or later found .*is 6\.0"):
        find_redis_binary()


def test_redis_6_is_not_started_on_what_redis_7_wrote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    older = tmp_path / "redis-server"
    older.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=0'\n")
    older.chmod(0o755)
    (tmp_path / "appendonlydir").mkdir()
    monkeypatch.setattr(redis_server, "_binaries", lambda: [older])
    with pytest.raises(RedisUnavailableError, match=r"no redis-server 7\.0 or later"):
        redis_argv(tmp_path)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, appendfsync="sometimes")
    with pytest.raises(RedisUnavailableError, match="did not start") as refused:
        server.start()
    assert "\n" not in str(refused.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(RedisUnavailableError, match="cannot keep Redis data"):
        RedisServer(tmp_path / "file" / "redis").start()
