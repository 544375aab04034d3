"""The ground that the other tests stand on."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import create_engine, inspect, text

from tests.support import services
from tests.support.paths import ROOT
from tests.support.postgres_server import PostgresMissingError, PostgresServer
from tests.support.services import OutsideConnectionError


def test_no_setting_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ("DATABASE_URL", "REDIS_URL", "META_APP_SECRET", "META_APP_SECRET_FILE", "HARK_ENV_FILE", "https_proxy")
    for name in ours:
        monkeypatch.setenv(name, "inherited")
    services.forget_inherited_settings()
    assert {name: os.environ.get(name) for name in ours} == dict.fromkeys(ours) | {"HARK_ENV_FILE": os.devnull}


def test_nobody_outside_this_machine_is_reached() -> None:
    for connect in (socket.socket.connect, socket.socket.connect_ex):
        with socket.socket() as outside, pytest.raises(OutsideConnectionError):
            connect(outside, ("192.0.2.1", 443))
    with pytest.raises(socket.gaierror):
        socket.create_connection(("graph.facebook.com", 443))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1])).close()


def test_a_test_begins_with_an_empty_redis(redis: "Redis") -> None:
    assert redis.dbsize() == 0
    redis.set("left", "behind")


def test_a_test_begins_with_an_empty_redis_again(redis: "Redis") -> None:
    assert redis.dbsize() == 0


@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_begins_with_a_migrated_database_of_its_own(database_url: str, turn: int) -> None:
    engine = create_engine(database_url)
    try:
        assert {"contact", "campaign", "recipient", "alembic_version"} <= set(inspect(engine).get_table_names())
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))
    finally:
        engine.dispose()


@pytest.mark.postgres
@pytest.mark.process
def test_the_test_server_survives_a_kill(tmp_path: Path) -> None:
    try:
        server = PostgresServer()
    except PostgresMissingError as error:
        pytest.skip(str(error))
    try:
        server.start()
        server.kill()
        server.start()
        with create_engine(server.url()).connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
    finally:
        server.close()


@pytest.mark.process
@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 failed")])
def test_where_nothing_may_be_skipped_a_skip_is_a_failure(tmp_path: Path, required: str, outcome: str) -> None:
    skipped = tmp_path / "test_something.py"
    skipped.write_text("import pytest\ndef test_it(): pytest.skip('no browser')\n")
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", str(tmp_path), "-c", os.devnull]
    environment = os.environ | {"REQUIRE_ALL": required}
    done = subprocess.run([*argv, str(skipped)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert outcome in done.stdout
    assert done.returncode == int(required)
    assert "no browser" in done.stdout or required == "0"
