"""What answers do to the campaign and the number."""

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import func, select

from bot.meta.error_codes import rule_for
from jobs.sending.campaign_feed import CampaignFeed, ServedNumber
from jobs.sending.serve import serve
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.campaign import CampaignStatus, PauseReason, transition
from models.tables.engagement import LedgerEntry
from models.tables.number import Number
from tests.support.sending_rig import Sending, phones, sending_to_a_sandbox

pytestmark = pytest.mark.usefixtures("idle_lanes_end_soon")


def test_a_refused_token_stops_the_number_and_keeps_everybody_queued(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(40))
    sending.sandbox.configure(token="another")

    serve(sending.rt, sending.number_id)

    campaign = sending.row(campaign_id)
    assert campaign.status is CampaignStatus.PAUSED
    assert campaign.pause_reason is PauseReason.TOKEN_REFUSED
    assert sending.states(campaign_id) == {"queued": 40}
    assert serve(sending.rt, sending.number_id) == 0


def test_a_campaign_pauses_when_too_many_fail_alike(sending: Sending) -> None:
    campaign_id = sending.campaign([f"+346{index:04d}9030" for index in range(150)], pace=60)

    serve(sending.rt, sending.number_id)

    campaign = sending.row(campaign_id)
    assert campaign.pause_reason is PauseReason.FAILURE_RATE
    assert "131009 ×" in show_stored(campaign.pause_detail)
    states = sending.states(campaign_id)
    assert 20 <= states["refused"] <= 120
    assert states["refused"] + states["queued"] == 150


@pytest.mark.parametrize(("code", "minutes"), [(134011, None), (134100, None), (134101, 10), (134102, None)])
def test_a_code_about_the_template_pauses_its_campaign_alone(sending: Sending, code: int, minutes: int | None) -> None:
    campaign_id = sending.campaign(phones(40))
    sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": code})

    serve(sending.rt, sending.number_id)

    campaign = sending.row(campaign_id)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, rule_for(code).reason)
    assert sending.states(campaign_id) == {"queued": 40}
    assert (campaign.resumes_at is None) == (minutes is None)
    if minutes is not None and campaign.resumes_at is not None and campaign.paused_at is not None:
        assert abs(campaign.resumes_at - campaign.paused_at - timedelta(minutes=minutes)) < timedelta(seconds=10)
    with sending.rt.database.read() as session:
        assert session.get_one(Number, sending.number_id).stopped_at is None, "other messages of the number go on"


def test_the_portfolio_limit_pauses_with_the_time_at_which_it_goes_on(
    database_url: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    with sending_to_a_sandbox(database_url, redis_url, tmp_path) as sending:
        sending.prepare(messaging_limit=25)
        campaign_id = sending.campaign(phones(40))

        serve(sending.rt, sending.number_id)

        assert sending.states(campaign_id) == {"accepted": 25, "queued": 15}
        campaign = sending.row(campaign_id)
        assert campaign.pause_reason is PauseReason.LIMIT_REACHED
        assert campaign.resumes_at is not None
        assert f"goes on at {campaign.resumes_at:%Y-%m-%d %H:%M} UTC." in show_stored(campaign.pause_detail)
        with sending.rt.database.read() as session:
            assert session.scalar(select(func.count()).select_from(LedgerEntry)) == 25


def test_what_failed_before_a_pause_is_not_held_against_the_campaign_that_goes_on(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(5))
    feed = CampaignFeed(sending.rt, ServedNumber(sending.number_id, "1", 1, "token"))
    (served,) = feed.due(utcnow())
    served.guard.add("131009")
    with sending.rt.database.write() as session:
        transition(session, campaign_id, "pause", utcnow(), pause_reason=PauseReason.OPERATOR)
    assert feed.due(utcnow()) == []
    with sending.rt.database.write() as session:
        transition(session, campaign_id, "resume", utcnow())
    (again,) = feed.due(utcnow())
    assert again.guard.kinds == ()
