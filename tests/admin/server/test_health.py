"""Healthy and ready."""

from pathlib import Path

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from redis import Redis
from sqlalchemy.engine import make_url

from admin.server import health
from admin.server.supervisor import PROCESSES
from admin.server.up import check_after_a_crash
from models.config import Settings
from models.crypto import new_encryption_key
from models.errors import OperatorError
from tests.support.health_app import app_with


def test_a_process_that_answers_is_healthy(app: Flask) -> None:
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_a_whole_installation_is_ready(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "redis": "ok", "migrations": "ok", "disk": "ok"}},
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


def test_a_disk_that_is_almost_full_is_not_ready(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 10**18)
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "MB are free" in answer.json["checks"]["disk"]


def test_a_database_that_takes_no_writes_is_not_ready(
    postgres_url: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    url = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(str(make_url(postgres_url).database))
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    settings = Settings(postgres_url, redis_url, tmp_path, secret_key="s", encryption_keys=(new_encryption_key(),))
    app = app_with(settings)
    answer = app.test_client().get("/readyz")
    app.extensions["hark"].close()
    assert answer.status_code == 503
    assert answer.json is not None
    assert "no writes" in answer.json["checks"]["database"]


@pytest.mark.sqlite_only
def test_after_a_crash_a_malformed_database_is_told_before_anything_starts(settings: Settings) -> None:
    path = Path(str(make_url(settings.database_url).database))
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 6] = b"\x55" * (4096 * 5)
    path.write_bytes(bytes(content))
    check_after_a_crash(settings)  # the last end was a clean one
    (settings.var_dir / PROCESSES).write_text("{}", encoding="utf-8")
    with pytest.raises(OperatorError, match=r"malformed .*flask restore FILE --replace"):
        check_after_a_crash(settings)
