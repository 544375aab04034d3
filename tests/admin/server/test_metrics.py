"""The figures for a monitoring."""

from flask import Flask
from redis import Redis

from admin.operations.exports.record import record_export
from admin.server.supervisor import RESTARTS
from jobs.core.runtime import Runtime
from jobs.restore.watch import look_after_holds
from models.clock import utcnow
from models.config import Settings
from models.conversations.cases import open_case
from models.db.engine import Database
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.health_app import app_with


def test_the_figures_are_those_of_the_rows(app: Flask, settings: Settings, redis: Redis) -> None:
    database = Database(settings.database_url)
    with database.write() as session:
        make_recipient(session, make_campaign(session, status="active"), alice(session))  # type: ignore[arg-type]
        open_case(session, make_contact(session).id, NOW, opened_by="bot")
    database.dispose()
    text = app.test_client().get("/metrics").text
    for line in (
        'hark_campaigns{status="active"} 1.0',
        'hark_recipients{state="queued"} 1.0',
        "hark_ingest_backlog_events 0.0",
        "hark_ingest_lag_seconds 0.0",
        'hark_wake_ups_waiting{queue="hark-send"} 0.0',
        "hark_cases_waiting 1.0",
        "hark_replies_unread 0.0",
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


def test_what_wears_out_is_measured(app: Flask, settings: Settings) -> None:
    look_after_holds(app.extensions["hark"], utcnow())
    (settings.var_dir / RESTARTS).write_text('{"ingest": 3}', encoding="utf-8")
    lines = app.test_client().get("/metrics").text.splitlines()
    assert 'hark_restarts{process="ingest"} 3.0' in lines
    measured = dict(line.rsplit(" ", 1) for line in lines if line.startswith(("hark_disk", "hark_schedule")))
    assert float(measured["hark_disk_free_bytes"]) > 0
    assert 0 <= float(measured["hark_schedule_age_seconds"]) < 60


def test_what_was_taken_out_is_counted(app: Flask, redis: Redis) -> None:
    rt: Runtime = app.extensions["hark"]
    record_export(rt, "ann@example.com", "campaign", 1)
    record_export(rt, "cli", "database", "hark.backup")
    lines = app.test_client().get("/metrics").text.splitlines()
    assert {line for line in lines if line.startswith("hark_exports{") and not line.endswith(" 0.0")} == {
        'hark_exports{kind="campaign"} 1.0',
        'hark_exports{kind="database"} 1.0',
    }
