"""A lane: everybody gets one message, whatever is away or stops meanwhile."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from jobs.core.shutdown import SHUTDOWN
from jobs.sending import lane
from jobs.sending import side_effects as consequences
from jobs.sending.campaign_feed import CampaignFeed, ServedCohort, ServedNumber
from jobs.sending.lane import SenderLane
from jobs.sending.serve import serve
from models.clock import utcnow
from models.sending.claim import Claim, claim_recipients
from models.sending.lease import open_lane
from models.sending.open_cohorts import has_due
from models.stored_texts import show_stored
from models.tables.campaign import CampaignStatus, PauseReason, transition
from models.tables.cohort import Cohort
from models.tables.lane import Lane as LaneRow
from models.tables.number import Number
from tests.support.factories.campaigns import first_cohort
from tests.support.running_hark import wait_for
from tests.support.sending_rig import Sending, phones, sending_to_a_sandbox
from tests.support.tls_server import outsider

pytestmark = pytest.mark.usefixtures("idle_lanes_end_soon")


def test_everybody_gets_one_message_and_the_row_knows_its_id(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(60))

    assert serve(sending.rt, sending.number_id) == 60

    assert sending.states(campaign_id) == {"accepted": 60}
    stats = sending.sandbox.stats()
    assert stats["duplicates"] == {"count": 0, "recipients": {}}
    row = sending.recipient(campaign_id, phones(1)[0])
    assert row.wamid
    assert row.attempts == 1
    assert row.accepted_at is not None
    assert sending.row(campaign_id).last_sent_at is not None
    with sending.rt.database.read() as session:
        assert session.scalars(select(LaneRow)).one().ended_at is not None


def test_short_rounds_serve_every_campaign_in_turn(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "ROUND_SECONDS", 0.01)
    with sending.rt.database.write() as session:
        session.get_one(Number, sending.number_id).messages_per_second = 20  # chunks of two
    for start in (0, 100):
        sending.campaign(phones(12, start))

    assert serve(sending.rt, sending.number_id) == 24

    is_first = [message.to.lstrip("+") < phones(1, 100)[0].lstrip("+") for message in sending.sandbox.store.messages]
    ahead = [2 * sum(is_first[:count]) - count for count in range(25)]
    assert max(map(abs, ahead)) <= 4


def test_an_unreachable_meta_loses_nobody(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(5))
    sending.sandbox.stop()

    serve(sending.rt, sending.number_id)

    assert sending.states(campaign_id) == {"queued": 5}
    with sending.rt.database.read() as session:
        assert not has_due(session, session.get_one(Cohort, first_cohort(session, campaign_id)), utcnow())


def test_a_claim_whose_commit_was_unclear_goes_back_once_the_database_can_be_asked(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = sending.campaign(phones(60))
    claimed, held = SenderLane._claim, SenderLane._held_in_database
    troubles = ["the answer to COMMIT is lost", "away", "away still"]

    def lost_after_the_commit(self: SenderLane, cohort: ServedCohort, size: int) -> Claim:
        found = claimed(self, cohort, size)
        if len(troubles) == 3:
            raise OperationalError(troubles.pop(), None, Exception())
        return found

    def away(self: SenderLane) -> set[int]:
        if troubles:
            raise OperationalError(troubles.pop(), None, Exception())
        return held(self)

    monkeypatch.setattr(SenderLane, "_claim", lost_after_the_commit)
    monkeypatch.setattr(SenderLane, "_held_in_database", away)
    serve(sending.rt, sending.number_id)

    assert sending.states(campaign_id) == {"accepted": 60}
    assert sending.sandbox.stats()["duplicates"]["count"] == 0
    with sending.rt.database.read() as session:
        assert session.scalars(select(LaneRow)).one().ended_at is not None


def test_a_lane_learns_of_a_pause_with_its_next_chunk_and_gives_back_what_it_holds(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(30), pace=20)
    with sending.rt.database.write() as session:
        lane_id = open_lane(session, sending.number_id, "here", 1)
        session.get_one(Number, sending.number_id).held_until = utcnow() + timedelta(minutes=1)
    with sending.rt.database.write() as session:
        assert claim_recipients(session, lane_id, first_cohort(session, campaign_id), 5, utcnow()) == Claim(
            is_active=False
        )
        session.get_one(Number, sending.number_id).held_until = None
    feed = CampaignFeed(sending.rt, ServedNumber(sending.number_id, "1", 1, "token"))
    (served,) = feed.due(utcnow())
    with sending.rt.database.write() as session:
        transition(session, campaign_id, "pause", utcnow(), pause_reason=PauseReason.OPERATOR)
    assert feed.due(utcnow()) == []
    assert served.is_blocked
    with sending.rt.database.write() as session:
        transition(session, campaign_id, "resume", utcnow())
    assert feed.due(utcnow()) == [served]
    assert not served.is_blocked
    served.is_pausing = True  # a decisive error was read, and the pause is not written yet
    assert feed.due(utcnow()) == [served]
    assert served.is_blocked


def test_answers_that_no_database_could_keep_do_not_keep_others_from_being_recorded(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(20))
    sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": 99_999_999_999, "count": 3})
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 17, "unsure": 3}


def test_a_certificate_that_nobody_vouches_for_loses_nobody_and_says_so(
    sqlite_url: str, redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(consequences, "UNREACHABLE_PAUSE_SECONDS", 0.1)
    with sending_to_a_sandbox(sqlite_url, redis_url, tmp_path) as sending, outsider(tmp_path) as impostor:
        sending.prepare()
        campaign_id = sending.campaign(phones(3))
        sending.rt.settings = replace(sending.rt.settings, graph_api_url=impostor.url)
        serve(sending.rt, sending.number_id)
        row = sending.recipient(campaign_id, phones(1)[0])
        assert impostor.requests == []
        assert sending.states(campaign_id) == {"queued": 3}
        assert "the certificate at GRAPH_API_URL is not one to trust" in show_stored(row.error_msg)
        assert sending.row(campaign_id).status is CampaignStatus.ACTIVE


def test_a_stop_waits_for_answers_that_take_nearly_as_long_as_a_request_may(
    sqlite_url: str, redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "REQUEST_TIMEOUT_SECONDS", 6.0)
    with sending_to_a_sandbox(sqlite_url, redis_url, tmp_path, latency_seconds=4.0) as sending:
        sending.prepare()
        campaign_id = sending.campaign(phones(200), pace=100)
        sender = Thread(target=serve, args=(sending.rt, sending.number_id))
        sender.start()
        # A third chunk is claimed once the second waits for its moments, and then the first is under way.
        wait_for(lambda: sending.states(campaign_id).get("sending", 0) >= 30, 60, "requests are under way")
        SHUTDOWN.set()
        try:
            sender.join(60)
        finally:
            SHUTDOWN.clear()
        states = sending.states(campaign_id)
        assert set(states) == {"accepted", "queued"}
        assert states["accepted"] == sending.sandbox.call(lambda: len(sending.sandbox.store.messages)) >= 10
        with sending.rt.database.read() as session:
            assert session.scalars(select(LaneRow)).one().ended_at is not None
