"""/healthz, /readyz and /metrics: what is well, what is not, and who may know."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from models.config import Settings
from models.crypto import new_encryption_key
from models.db.engine import Database
from tests.support.factories import alice, make_campaign, make_recipient
from wsgi import create_app


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> Settings:
    return Settings(
        database_url=database_url, redis_url=redis_url, var_dir=tmp_path, secret_key="s", encryption_keys=(new_encryption_key(),)
    )  # fmt: skip


def app_with(settings: Settings, **changes: Any) -> Flask:
    return create_app(Settings(**({**settings.__dict__} | changes)))


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["hark"].close()


def test_a_process_that_answers_is_healthy(app: Flask) -> None:
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_a_whole_installation_is_ready(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "redis": "ok", "migrations": "ok"}},
    )


def test_without_redis_or_tables_it_is_not_ready(settings: Settings, tmp_path: Path) -> None:
    app = app_with(settings, redis_url="unix:///nowhere/redis.sock", database_url=f"sqlite:///{tmp_path}/empty.db")
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    checks = answer.json["checks"]
    assert checks["database"] == "ok"
    assert "not reachable" in checks["redis"]
    assert "flask db upgrade" in checks["migrations"]


def test_a_redis_that_throws_events_away_is_not_ready(app: Flask, redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        answer = app.test_client().get("/readyz")
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "noeviction" in answer.json["checks"]["redis"]


def test_the_figures_are_those_of_the_rows(app: Flask, settings: Settings, redis: Redis) -> None:
    database = Database(settings.database_url)
    with database.write() as session:
        make_recipient(session, make_campaign(session, status="active"), alice(session))  # type: ignore[arg-type]
    database.dispose()
    text = app.test_client().get("/metrics").text
    for line in (
        'hark_campaigns{status="active"} 1.0',
        'hark_recipients{state="queued"} 1.0',
        "hark_ingest_backlog_events 0.0",
        "hark_ingest_lag_seconds 0.0",
        'hark_wake_ups_waiting{queue="hark-send"} 0.0',
        'hark_up{part="database"} 1.0',
        'hark_up{part="redis"} 1.0',
    ):
        assert line in text.splitlines(), line


def test_figures_without_redis_say_that_it_is_away(settings: Settings) -> None:
    text = app_with(settings, redis_url="unix:///nowhere/redis.sock").test_client().get("/metrics").text
    assert 'hark_up{part="redis"} 0.0' in text
    assert 'hark_campaigns{status="draft"} 0.0' in text


def test_off_this_machine_the_figures_need_the_token(settings: Settings) -> None:
    client = app_with(settings, metrics_token="secret").test_client()
    away = {"REMOTE_ADDR": "203.0.113.7"}
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base=away).status_code == 401
    assert client.get("/metrics", environ_base=away, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", environ_base=away, headers={"Authorization": "Bearer secret"}).status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 401
    assert app_with(settings).test_client().get("/metrics", environ_base=away).status_code == 401
