"""The worker process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from jobs.core.queues import CHORES, SEND, enqueue_once, queue
from tests.support import services
from tests.support.paths import ROOT
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.process


@contextmanager
def worker(redis_url: str, directory: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The process and its log."""
    log = directory / "worker.log"
    env = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": redis_url,
        "HARK_VAR_DIR": str(directory),
        "HARK_ENV_FILE": os.devnull,
    }
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.worker", "--queues", SEND, CHORES], cwd=ROOT, env=env, stdout=out,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def wait_for(is_so: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_jobs_run_one_after_the_other_in_one_process(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with worker(redis_url, tmp_path) as (process, _):
        for _ in range(3):
            enqueue_once(redis, CHORES, "tests.support.worker_jobs.note_pid", str(out))
        wait_for(lambda: len(lines(out)) == 3)
        assert set(lines(out)) == {str(process.pid)}


def test_a_worker_that_idles_stops_at_once(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    with worker(redis_url, tmp_path) as (process, log):
        wait_for(lambda: "taking" in log.read_text())
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_two_signals_let_the_job_at_hand_drain(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with worker(redis_url, tmp_path) as (process, _):
        enqueue_once(redis, SEND, "tests.support.worker_jobs.until_stopping", str(out))
        enqueue_once(redis, SEND, "tests.support.worker_jobs.note", str(out), "the next one")
        wait_for(lambda: lines(out) == ["began"])
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            time.sleep(0.05)
        assert process.wait(timeout=60) == 0
    assert lines(out) == ["began", "drained"]
    assert queue(redis, SEND).count == 1  # what it did not begin waits for another worker


def test_of_a_failure_nothing_of_a_customer_is_kept_or_logged(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with worker(redis_url, tmp_path) as (_, log):
        enqueue_once(redis, CHORES, "tests.support.worker_jobs.fail", "my doctor says")
        enqueue_once(redis, CHORES, "tests.support.worker_jobs.note", str(out), "still there")
        wait_for(lambda: lines(out) == ["still there"])
        assert "tests.support.worker_jobs.fail failed: ValueError at tests/support/worker_jobs.py" in log.read_text()
        assert "doctor" not in log.read_text()
    (job_id,) = queue(redis, CHORES).failed_job_registry.get_job_ids()
    job = queue(redis, CHORES).fetch_job(job_id)
    assert job is not None
    result = job.latest_result()
    assert result is not None
    assert result.exc_string == "ValueError"


def test_a_worker_outlasts_a_redis_that_goes_and_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with services.temporary_directory() as directory:
        server = RedisServer(directory, appendfsync="everysec")
        server.start()
        try:
            with worker(server.url, tmp_path) as (process, log), Redis.from_url(server.url) as client:
                enqueue_once(client, CHORES, "tests.support.worker_jobs.note", str(out), "before")
                wait_for(lambda: lines(out) == ["before"])
                os.kill(server.pid, signal.SIGKILL)
                wait_for(lambda: "Redis is away" in log.read_text())
                time.sleep(0.5)
                server.stop()
                server.start()
                enqueue_once(client, CHORES, "tests.support.worker_jobs.note", str(out), "after")
                wait_for(lambda: lines(out) == ["before", "after"])
                assert log.read_text().count("Redis is away") == 1
                os.kill(server.pid, signal.SIGKILL)
                time.sleep(0.3)
                process.terminate()
                assert process.wait(timeout=60) == 0  # it stops without a Redis, too
        finally:
            server.stop()


@pytest.mark.parametrize("given", [["--queues", "hark-nothing"], ["--colour"]])
def test_a_wrong_command_line_exits_2(given: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "jobs.worker", *given], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
