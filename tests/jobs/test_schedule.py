"""The list of periodic work: each in its time, and nobody stopped by another's trouble."""

import logging
import time
from datetime import datetime

import pytest

from jobs.core.runtime import Runtime
from jobs.schedule import PERIODIC_JOBS, PeriodicJob, Schedule
from models.config import Settings


def test_an_item_that_fails_is_logged_once_and_stops_nobody(rt: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[datetime] = []
    troubles = [ValueError("a customer's words"), ValueError("again"), None, ValueError("and again")]

    def fail(_rt: Runtime, _now: datetime) -> None:
        if trouble := troubles.pop(0):
            raise trouble

    schedule = Schedule(rt, [PeriodicJob("bad", 0, fail), PeriodicJob("good", 0, lambda _rt, now: ran.append(now))])
    with caplog.at_level(logging.INFO, "hark.schedule"):
        for _ in range(4):
            schedule.run_due(time.monotonic() + 1)
    assert len(ran) == 4
    said = [record.message for record in caplog.records]
    assert [line.split(":")[1][:11] for line in said] == [" ValueError", " works agai", " ValueError"]
    assert "customer" not in caplog.text


def test_items_run_when_they_are_due(rt: Runtime) -> None:
    ran: list[str] = []
    items = [
        PeriodicJob("often", 1, lambda _rt, _now: ran.append("often")),
        PeriodicJob("seldom", 50, lambda _rt, _now: ran.append("seldom")),
    ]
    schedule = Schedule(rt, items)
    begun = time.monotonic()
    next_at = schedule.run_due(begun)
    assert ran == ["often", "seldom"]
    assert begun + 1 <= next_at <= time.monotonic() + 1
    schedule.run_due(next_at - 0.001)
    assert ran == ["often", "seldom"]
    schedule.run_due(next_at)
    assert ran == ["often", "seldom", "often"]


def test_every_item_of_the_list_runs_on_an_empty_installation(rt: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    schedule = Schedule(rt)
    schedule.run_due(time.monotonic())
    assert schedule.failing == {}
    assert caplog.text == ""


def test_without_redis_each_trouble_is_said_once(rt: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    away = Settings(
        database_url=rt.settings.database_url, redis_url="unix:///nowhere/redis.sock", var_dir=rt.settings.var_dir,
        encryption_keys=rt.settings.encryption_keys,
    )  # fmt: skip
    schedule = Schedule(Runtime(away), [PeriodicJob("ping", 0, lambda rt, _now: rt.redis.ping())])
    for _ in range(3):
        schedule.run_due(time.monotonic() + 1)
    assert caplog.text.count("Redis is away") == 1
    schedule.rt.close()


def test_items_have_names_of_their_own() -> None:
    assert len({item.name for item in PERIODIC_JOBS}) == len(PERIODIC_JOBS)
