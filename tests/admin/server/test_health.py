"""Healthy and ready."""

from pathlib import Path

from flask import Flask
from redis import Redis

from models.config import Settings
from tests.support.health_app import app_with


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
