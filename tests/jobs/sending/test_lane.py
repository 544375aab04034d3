"""The sender against a simulated Meta over real HTTP, on both databases."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from bot.meta import client as graph
from bot.meta.messages import TemplateBuilder
from bot.meta.transport import AiohttpTransport
from jobs.core.shutdown import SHUTDOWN
from jobs.sending import lane
from jobs.sending import side_effects as consequences
from jobs.sending.campaign_feed import CampaignFeed, ServedNumber
from jobs.sending.lane import SenderLane
from jobs.sending.serve import serve
from models.clock import utcnow
from models.sending.claim import Claim, claim_recipients, has_due
from models.sending.lease import open_lane
from models.stored_texts import show_stored
from models.tables.campaign import CampaignStatus, PauseReason, transition
from models.tables.contact import Contact
from models.tables.engagement import Engagement, LedgerEntry
from models.tables.lane import Lane as LaneRow
from models.tables.number import Number
from models.tables.recipient import NotSent, RecipientState
from tests.support.running_hark import wait_for
from tests.support.sending_rig import Sending, sending_to_a_sandbox
from tests.support.tls_server import outsider


@pytest.fixture
def sending(
    database_url: str, redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sending]:
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.2)
    with sending_to_a_sandbox(database_url, redis_url, tmp_path) as found:
        found.prepare()
        yield found


def phones(count: int, start: int = 0) -> list[str]:
    return [f"+3460001{start + index:04d}" for index in range(count)]


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


@pytest.mark.parametrize(
    ("suffix", "state"),
    [
        ("9600", "unsure"),
        ("9601", "unsure"),
        ("9602", "unsure"),
        ("9603", "unsure"),
        ("9604", "unsure"),
        ("9605", "unsure"),
        ("9606", "held"),
        ("9612", "unsure"),
        ("9619", "unsure"),
        ("9030", "refused"),
        ("9497", "refused"),
        ("9429", "accepted"),
        ("9056", "accepted"),
        ("9016", "accepted"),
    ],
)
def test_an_answer_has_the_outcome_that_is_certain(
    sending: Sending, suffix: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = f"+3460055{suffix}"
    if suffix == "9600":  # no answer ever comes
        monkeypatch.setattr(graph, "AiohttpTransport", partial(AiohttpTransport, timeout_seconds=2.0))
    campaign_id = sending.campaign([phone])

    end = time.monotonic() + 20
    while sending.waiting(campaign_id) and time.monotonic() < end:
        serve(sending.rt, sending.number_id)

    row = sending.recipient(campaign_id, phone)
    assert row.state == state
    if state == "unsure":
        assert row.attempts == 1
        assert row.error_msg
        assert row.detail == row.error_msg
    if state == "refused":
        assert row.error_code is not None
        with sending.rt.database.read() as session:
            assert session.get(Engagement, row.person_key) is None


def test_who_became_ineligible_since_the_launch_is_left_out_with_the_reason(sending: Sending) -> None:
    gone, stays = phones(2)
    campaign_id = sending.campaign([gone, stays])
    with sending.rt.database.write() as session:
        contact = session.scalars(select(Contact).where(Contact.phone == gone)).one()
        contact.consent = contact.consent.UNSUBSCRIBED

    serve(sending.rt, sending.number_id)

    assert sending.states(campaign_id) == {"accepted": 1, "not_sent": 1}
    assert sending.recipient(campaign_id, gone).reason is NotSent.NOT_SUBSCRIBED
    with sending.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Engagement)) == 1


def test_a_value_that_meta_would_refuse_leaves_the_person_out(sending: Sending) -> None:
    phone = phones(1)[0]
    campaign_id = sending.campaign([phone])
    with sending.rt.database.write() as session:
        row = session.merge(sending.recipient(campaign_id, phone))
        row.source_values = {"body": {"1": "two\nlines", "2": "20%"}}

    serve(sending.rt, sending.number_id)

    row = sending.recipient(campaign_id, phone)
    assert (row.state, row.reason, show_stored(row.detail)) == (
        RecipientState.NOT_SENT,
        NotSent.BAD_VALUE,
        "body 1: it holds a line break or a tab",
    )


def test_of_whom_no_message_can_be_made_is_left_out_and_the_others_get_theirs(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raises, cannot_be_encoded, *others = phones(12)
    campaign_id = sending.campaign([raises, cannot_be_encoded, *others])
    build = TemplateBuilder.build

    def built(self: TemplateBuilder, *, phone: str | None, **values: Any) -> dict[str, Any]:
        if phone == raises:
            raise KeyError("Ann")
        body = build(self, phone=phone, **values)
        return body | {"template": object()} if phone == cannot_be_encoded else body

    monkeypatch.setattr(TemplateBuilder, "build", built)
    serve(sending.rt, sending.number_id)

    assert sending.states(campaign_id) == {"accepted": 10, "not_sent": 2}
    row = sending.recipient(campaign_id, raises)
    assert (row.reason, show_stored(row.detail)) == (
        NotSent.BAD_VALUE,
        "the message could not be put together: KeyError",
    )
    assert sending.recipient(campaign_id, cannot_be_encoded).reason is NotSent.BAD_VALUE
    assert "Ann" not in caplog.text
    with sending.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Engagement)) == 10
        assert session.scalars(select(LaneRow)).one().ended_at is not None


def test_a_campaign_of_which_no_message_can_be_made_pauses(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = sending.campaign(phones(60), pace=100)
    monkeypatch.setattr(TemplateBuilder, "build", lambda *_, **__: {"template": object()})
    serve(sending.rt, sending.number_id)
    campaign = sending.row(campaign_id)
    assert campaign.pause_reason is PauseReason.FAILURE_RATE
    assert "the message could not be put together" in show_stored(campaign.pause_detail)
    assert sending.waiting(campaign_id) > 0


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
    campaign_id = sending.campaign([f"+346{index:04d}9030" for index in range(150)], pace=400)

    serve(sending.rt, sending.number_id)

    campaign = sending.row(campaign_id)
    assert campaign.pause_reason is PauseReason.FAILURE_RATE
    assert "131009 ×" in show_stored(campaign.pause_detail)
    states = sending.states(campaign_id)
    assert 20 <= states["refused"] <= 120
    assert states["refused"] + states["queued"] == 150


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
        with sending.rt.database.read() as session:
            assert session.scalar(select(func.count()).select_from(LedgerEntry)) == 25


def test_an_unreachable_meta_loses_nobody(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(5))
    sending.sandbox.stop()

    serve(sending.rt, sending.number_id)

    assert sending.states(campaign_id) == {"queued": 5}
    with sending.rt.database.read() as session:
        assert not has_due(session, campaign_id, utcnow())


def test_a_claim_whose_commit_was_unclear_goes_back_once_the_database_can_be_asked(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = sending.campaign(phones(60))
    claimed, held = SenderLane._claim, SenderLane._held_in_database
    troubles = ["the answer to COMMIT is lost", "away", "away still"]

    def lost_after_the_commit(self: SenderLane, campaign_id: int, size: int) -> Claim:
        found = claimed(self, campaign_id, size)
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
        assert claim_recipients(session, lane_id, campaign_id, 5, utcnow()) == Claim(is_active=False)
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
    monkeypatch.setattr(lane, "REQUEST_TIMEOUT_SECONDS", 1.2)
    with sending_to_a_sandbox(sqlite_url, redis_url, tmp_path, latency_seconds=1.0) as sending:
        sending.prepare()
        campaign_id = sending.campaign(phones(200), pace=100)
        sender = Thread(target=serve, args=(sending.rt, sending.number_id))
        sender.start()
        # A third chunk is claimed once the second waits for its moments, and then the first is under way.
        wait_for(lambda: sending.states(campaign_id).get("sending", 0) >= 30, 10, "requests are under way")
        SHUTDOWN.set()
        try:
            sender.join(10)
        finally:
            SHUTDOWN.clear()
        states = sending.states(campaign_id)
        assert set(states) == {"accepted", "queued"}
        assert states["accepted"] == sending.sandbox.call(lambda: len(sending.sandbox.store.messages)) >= 10
        with sending.rt.database.read() as session:
            assert session.scalars(select(LaneRow)).one().ended_at is not None


def test_a_parameter_that_meta_does_not_accept_is_one_persons_trouble(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(20))
    sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": 100, "count": 2})
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 18, "refused": 2}
    assert sending.row(campaign_id).status is CampaignStatus.ACTIVE


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


def test_who_missed_the_moment_of_a_slow_campaign_waits_in_the_queue_for_the_next(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = sending.campaign(phones(1), pace=1 / 60)
    take = SenderLane._claim

    def slowly(self: SenderLane, campaign_id: int, size: int) -> Claim:
        claimed = take(self, campaign_id, size)
        time.sleep(0.1)
        return claimed

    monkeypatch.setattr(SenderLane, "_claim", slowly)
    monkeypatch.setattr(lane, "LIFE_SECONDS", 0.5)
    begun = time.monotonic()

    assert serve(sending.rt, sending.number_id) == 0

    assert time.monotonic() - begun < 10, "the lane does not outlive its time for a moment that is a minute away"
    assert sending.states(campaign_id) == {"queued": 1}
    with sending.rt.database.read() as session:
        assert session.scalars(select(LaneRow)).one().ended_at is not None
