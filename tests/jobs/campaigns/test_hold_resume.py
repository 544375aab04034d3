"""Campaigns pause while webhooks are not processed and resume by themselves."""

import time
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from bot.webhooks.stream import KEY
from jobs.campaigns import hold_resume as module
from jobs.campaigns.hold_resume import (
    HOLD_AFTER_SECONDS,
    NO_CONSUMER_SECONDS,
    IngestWatch,
    pause_while_ingest_lags,
    resume_when_clear,
)
from jobs.core.queues import CHORES
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import BEAT_KEY
from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.tag import Tag
from tests.support.factories.campaigns import make_campaign, make_number, make_template

ACTIVE = (CampaignStatus.ACTIVE, None)
HELD = (CampaignStatus.PAUSED, PauseReason.INGEST_LAG)


@pytest.fixture(autouse=True)
def _nothing_was_heard_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_watch", IngestWatch())


@pytest.fixture
def campaign_id(rt: Runtime) -> int:
    with rt.database.write() as session:
        number = make_number(session)
        template = make_template(session, number, name="spring", language="en_US")
        session.add(Tag(name="vip", created_at=utcnow()))
        return make_campaign(session, number, template, status=CampaignStatus.ACTIVE).id


def state(rt: Runtime) -> tuple[CampaignStatus, PauseReason | None]:
    with rt.database.read() as session:
        campaign = session.scalars(select(Campaign)).one()
        return campaign.status, campaign.pause_reason


def keep_event(rt: Runtime, age: float) -> None:
    rt.redis.xadd(KEY, {"b": b"x"}, id=f"{int((time.time() - age) * 1000)}-0")


def beat(rt: Runtime) -> None:
    rt.redis.set(BEAT_KEY, "someone")


def woken_to_go_on(rt: Runtime) -> int:
    return int(rt.redis.llen(f"rq:queue:{CHORES}"))


def test_an_event_that_nobody_reads_for_a_minute_holds_campaigns(rt: Runtime, campaign_id: int) -> None:
    beat(rt)
    keep_event(rt, HOLD_AFTER_SECONDS - 20)
    pause_while_ingest_lags(rt, utcnow())
    assert state(rt) == ACTIVE
    rt.redis.delete(KEY)
    keep_event(rt, HOLD_AFTER_SECONDS + 5)
    pause_while_ingest_lags(rt, utcnow())
    assert (state(rt), woken_to_go_on(rt)) == (HELD, 0)


def test_nobody_that_reads_holds_campaigns_after_a_while(
    rt: Runtime, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    pause_while_ingest_lags(rt, utcnow())
    now += NO_CONSUMER_SECONDS - 1
    pause_while_ingest_lags(rt, utcnow())
    assert state(rt) == ACTIVE
    now += 2
    pause_while_ingest_lags(rt, utcnow())
    assert state(rt) == HELD


def test_a_restart_of_the_ingest_holds_nothing(rt: Runtime, campaign_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    for _ in range(4):
        pause_while_ingest_lags(rt, utcnow())
        now += NO_CONSUMER_SECONDS - 1
        beat(rt)
        pause_while_ingest_lags(rt, utcnow())
        rt.redis.delete(BEAT_KEY)
    assert state(rt) == ACTIVE


def test_what_held_goes_on_when_the_stream_is_drained_and_somebody_reads(
    rt: Runtime, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(rt)
    keep_event(rt, HOLD_AFTER_SECONDS + 5)
    pause_while_ingest_lags(rt, utcnow())
    rt.redis.delete(KEY)
    rt.redis.delete(BEAT_KEY)
    pause_while_ingest_lags(rt, utcnow())
    assert (state(rt), woken_to_go_on(rt)) == (HELD, 0), "drained, and nobody reads"
    beat(rt)
    keep_event(rt, 30)
    pause_while_ingest_lags(rt, utcnow())
    assert (state(rt), woken_to_go_on(rt)) == (HELD, 0), "read, and still behind"
    rt.redis.delete(KEY)
    pause_while_ingest_lags(rt, utcnow())
    assert woken_to_go_on(rt) == 1
    monkeypatch.setattr("jobs.campaigns.start.refresh_from_meta", lambda *_: None)  # Meta, who is asked on another wire
    resume_when_clear(campaign_id)
    assert state(rt) == ACTIVE


def test_a_campaign_that_the_operator_paused_stays_paused(rt: Runtime, campaign_id: int) -> None:
    with rt.database.write() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status, campaign.pause_reason, campaign.paused_at = (
            CampaignStatus.PAUSED,
            PauseReason.OPERATOR,
            utcnow(),
        )
    beat(rt)
    keep_event(rt, HOLD_AFTER_SECONDS + 5)
    pause_while_ingest_lags(rt, utcnow())
    rt.redis.delete(KEY)
    pause_while_ingest_lags(rt, utcnow())
    resume_when_clear(campaign_id)
    assert (state(rt), woken_to_go_on(rt)) == ((CampaignStatus.PAUSED, PauseReason.OPERATOR), 0)
