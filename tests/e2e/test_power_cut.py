"""A power cut loses nothing that was acknowledged: what SQLite committed, what Redis took."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from jobs.core.redis_server import redis_answers, redis_argv, redis_url
from tests.support.faults import Faults
from tests.support.paths import ROOT
from tests.support.proof import dice, rounds, table

pytestmark = [pytest.mark.crash]

CUTS = rounds(4, 60)
COMMITS = """
import sys
from sqlalchemy import event, text
from models.db.engine import Database
database = Database("sqlite:///" + sys.argv[1])
if sys.argv[2] != "FULL":
    @event.listens_for(database.write_engine, "connect")
    def hasty(connection, _):
        connection.execute("PRAGMA synchronous=" + sys.argv[2])
with database.write() as session:
    session.execute(text("CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY, padding TEXT)"))
    last = session.scalar(text("SELECT max(n) FROM kept")) or 0
while True:
    last += 1
    with database.write() as session:
        session.execute(text("INSERT INTO kept VALUES (:n, :padding)"), {"n": last, "padding": "x" * (last % 3000)})
    print(last, flush=True)
"""
"""Says each number once its commit is acknowledged."""


def killed(process: "subprocess.Popen[str]", seconds: float) -> list[int]:
    """Let it go on for so long, kill it, and return what it had acknowledged."""
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, "it ended by itself"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    # A line that was cut off was not read by anybody.
    return [int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


def commit_until_the_power_goes(faults: Faults, path: Path, chance: random.Random, synchronous: str) -> int:
    """A round: how many acknowledged commits are lost afterwards."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | faults.environment
    argv = [sys.executable, "-c", COMMITS, str(path), synchronous]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        acknowledged = killed(process, chance.uniform(0.05, 0.4))
    faults.cut_power(chance)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = {row[0] for row in connection.execute("SELECT n FROM kept")}
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    faults.remember()
    return len(set(acknowledged) - there)


def prepared(tmp_path: Path) -> tuple[Faults, Path]:
    directory = tmp_path / "disk"
    directory.mkdir()
    path = directory / "hark.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE kept (n INTEGER PRIMARY KEY, padding TEXT)")
        connection.commit()
    faults = Faults(directory)
    faults.remember()
    return faults, path


def test_what_sqlite_committed_is_there_after_a_power_cut(tmp_path: Path) -> None:
    chance = dice(2_911)
    faults, path = prepared(tmp_path)
    lost = [commit_until_the_power_goes(faults, path, chance, "FULL") for _ in range(CUTS)]
    table("power cut while SQLite commits (synchronous=FULL)", "SQLite", CUTS, is_held=not sum(lost))
    assert sum(lost) == 0


def test_the_power_cut_takes_what_was_not_synced(tmp_path: Path) -> None:
    """Else the proof above would prove nothing: SQLite that is told not to sync loses commits, or all of the file."""
    chance = dice(2_912)
    faults, path = prepared(tmp_path)
    for _ in range(20):
        try:
            if commit_until_the_power_goes(faults, path, chance, "OFF"):
                return
        except (AssertionError, sqlite3.DatabaseError):
            return
    raise AssertionError("nothing was lost in 20 power cuts")


REPLACES = """
import sys
from pathlib import Path
from models.files import replace_file
path, last = Path(sys.argv[1]), int(sys.argv[2])
while True:
    last += 1
    with replace_file(path) as file:
        file.write((str(last) + " ").encode() * 2000)
    print(last, flush=True)
"""


def test_a_file_that_was_replaced_is_whole_after_a_power_cut(tmp_path: Path) -> None:
    chance = dice(2_915)
    directory = tmp_path / "disk"
    directory.mkdir()
    path = directory / "epoch.json"
    path.write_bytes(b"0 " * 2000)
    faults = Faults(directory)
    faults.remember()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | faults.environment
    last = 0
    for _ in range(CUTS):
        argv = [sys.executable, "-c", REPLACES, str(path), str(last)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as process:
            acknowledged = killed(process, chance.uniform(0.02, 0.2))
        faults.cut_power(chance)
        numbers = path.read_text().split()
        assert (len(numbers), len(set(numbers))) == (2000, 1)
        last = int(numbers[0])
        assert last >= acknowledged[-1]
    table("power cut while a file is replaced", "file system", CUTS, is_held=True)


APPENDS = """
import sys
from redis import Redis
client = Redis.from_url(sys.argv[1])
last = int(client.get("last") or 0)
while True:
    last += 1
    with client.pipeline() as pipeline:
        pipeline.xadd("hark:events", {"body": str(last) + "x" * (last % 5000)})
        pipeline.set("last", last)
        pipeline.execute()
    print(last, flush=True)
"""


def take_events_until_the_power_goes(
    faults: Faults,
    directory: Path,
    chance: random.Random,
    appendfsync: str,
) -> int:
    """A round: how many acknowledged entries of the stream are lost once Redis runs again."""
    url, plain = redis_url(directory), {"PATH": os.environ["PATH"]}
    argv = redis_argv(directory, appendfsync)
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=plain | faults.environment) as server:
        wait_until_it_answers(url)
        with subprocess.Popen(
            [sys.executable, "-c", APPENDS, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=plain,
        ) as client:
            acknowledged = killed(client, chance.uniform(0.05, 0.4))
        server.kill()
    faults.cut_power(chance)
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=plain) as server:
        wait_until_it_answers(url)
        with Redis.from_url(url) as connection:
            entries = connection.xrange("hark:events")
            there = {int(json.loads(body[b"body"].rstrip(b"x"))) for _, body in entries}
        server.terminate()
    faults.remember()
    return len(set(acknowledged) - there)


def wait_until_it_answers(url: str) -> None:
    end = time.monotonic() + 60
    while not redis_answers(url):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.redis
def test_what_redis_took_is_there_after_a_power_cut(tmp_path: Path) -> None:
    chance = dice(2_913)
    directory = tmp_path / "disk"
    faults = make_redis_directory(directory)
    lost = [take_events_until_the_power_goes(faults, directory, chance, "always") for _ in range(CUTS)]
    table("power cut while Redis takes events (appendfsync always)", "Redis", CUTS, is_held=not sum(lost))
    assert sum(lost) == 0


@pytest.mark.redis
def test_the_power_cut_takes_what_redis_did_not_sync(tmp_path: Path) -> None:
    chance = dice(2_914)
    directory = tmp_path / "disk"
    faults = make_redis_directory(directory)
    for _ in range(20):
        try:
            if take_events_until_the_power_goes(faults, directory, chance, "no"):
                return
        except (AssertionError, RedisError):
            return
    raise AssertionError("nothing was lost in 20 power cuts")


def make_redis_directory(directory: Path) -> Faults:
    directory.mkdir()
    redis_url(directory)  # where its socket is stays the same
    faults = Faults(directory)
    faults.remember()
    return faults
