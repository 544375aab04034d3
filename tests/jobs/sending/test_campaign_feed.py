"""Whom a lane takes from a campaign, and of whom it can make no message."""

import time
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.messages.template import TemplateBuilder
from jobs.sending import lane
from jobs.sending.campaign_feed import CampaignFeed, ServedCohort, load_number
from jobs.sending.lane import SenderLane
from jobs.sending.serve import serve
from models.clock import utcnow
from models.sending.claim import Claim
from models.stored_texts import show_stored
from models.tables.campaign import PauseReason
from models.tables.contact import Contact
from models.tables.engagement import Engagement
from models.tables.lane import Lane as LaneRow
from models.tables.number import Number
from models.tables.recipient import NotSent, RecipientState
from tests.support.sending_rig import Sending, phones

pytestmark = pytest.mark.usefixtures("idle_lanes_end_soon")


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
        row.source_values = {"body": {"1": " \n ", "2": "20%"}}

    serve(sending.rt, sending.number_id)

    row = sending.recipient(campaign_id, phone)
    assert (row.state, row.reason, show_stored(row.detail)) == (
        RecipientState.NOT_SENT,
        NotSent.BAD_VALUE,
        "body 1: it is empty",
    )


def test_a_value_with_a_line_break_is_sent_flat_and_one_that_makes_the_text_too_long_is_not_sent(
    sending: Sending,
) -> None:
    flat, too_long = phones(2)
    campaign_id = sending.campaign([flat, too_long])
    with sending.rt.database.write() as session:
        session.merge(sending.recipient(campaign_id, flat)).source_values = {"body": {"1": "two\nlines", "2": "20%"}}
        values = {"body": {"1": "a" * 600, "2": "b" * 600}}
        session.merge(sending.recipient(campaign_id, too_long)).source_values = values

    serve(sending.rt, sending.number_id)

    assert sending.recipient(campaign_id, flat).state is RecipientState.ACCEPTED
    left_out = sending.recipient(campaign_id, too_long)
    assert left_out.reason is NotSent.BAD_VALUE
    assert "Meta takes at most 1024" in show_stored(left_out.detail)


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


def test_who_missed_the_moment_of_a_slow_campaign_waits_in_the_queue_for_the_next(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = sending.campaign(phones(1), pace=1 / 60)
    take = SenderLane._claim

    def slowly(self: SenderLane, cohort: ServedCohort, size: int) -> Claim:
        claimed = take(self, cohort, size)
        time.sleep(0.1)
        return claimed

    monkeypatch.setattr(SenderLane, "_claim", slowly)
    monkeypatch.setattr(lane, "LIFE_SECONDS", 0.5)
    begun = time.monotonic()

    assert serve(sending.rt, sending.number_id) == 0

    assert time.monotonic() - begun < 45, "the lane does not outlive its time for a moment that is a minute away"
    assert sending.states(campaign_id) == {"queued": 1}
    with sending.rt.database.read() as session:
        assert session.scalars(select(LaneRow)).one().ended_at is not None


def test_the_rate_of_a_number_that_meta_upgrades_applies_while_a_campaign_runs(sending: Sending) -> None:
    sending.campaign(phones(1))
    with sending.rt.database.write() as session:
        number = session.get_one(Number, sending.number_id)
        number.messages_per_second, number.throughput = None, "STANDARD"
    served = load_number(sending.rt, sending.number_id)
    assert served is not None
    feed = CampaignFeed(sending.rt, served)
    feed.due(utcnow())
    assert (served.messages_per_second, feed.messages_per_second) == (80, 80)
    with sending.rt.database.write() as session:
        session.get_one(Number, sending.number_id).throughput = "HIGH"
    feed.due(utcnow())
    assert feed.messages_per_second == 1000
