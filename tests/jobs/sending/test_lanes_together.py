"""Several lanes at once, each on an event loop of its own, against a simulated Meta over real HTTP."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from bot.sandbox.seed import PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID, WABA_ID
from jobs.campaigns.lifecycle import end_campaign, resume_campaign
from jobs.core.shutdown import SHUTDOWN
from jobs.replies.answer import answer_waiting, close_dispatcher
from jobs.sending import lane
from jobs.sending.campaign_feed import load_number
from jobs.sending.pace import Pace
from jobs.sending.serve import serve
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.campaign import CampaignStatus, PauseReason, transition
from models.tables.number import Number
from models.tables.recipient import RecipientState
from tests.support.begun import Begun
from tests.support.chat_rig import people_write
from tests.support.factories.campaigns import make_number, make_template
from tests.support.running_hark import wait_for
from tests.support.sending_rig import SPRING, Sending

pytestmark = pytest.mark.sandbox(suffix_faults=False)

LANES = 3
PACE = 150.0
CHUNK = 15
"""A tenth of a second at this pace."""
PEOPLE = 300


@pytest.fixture(autouse=True)
def _nothing_stops_the_next_test() -> Iterator[None]:
    yield
    SHUTDOWN.clear()


@pytest.fixture(autouse=True)
def _lanes_end_soon_and_meta_knows_the_account(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "LIFE_SECONDS", 300.0)
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.4)
    with sending.rt.database.write() as session:
        session.get_one(Number, sending.number_id).waba.waba_id = WABA_ID


def people(start: int, count: int = PEOPLE) -> list[str]:
    return [f"+34600{start + index:06d}" for index in range(count)]


def second_number(sending: Sending, **values: Any) -> Sending:
    """Another number of Meta's, with a template of its own."""
    other = Sending(sending.rt, sending.sandbox)
    given: dict[str, Any] = {"phone_number_id": SECOND_PHONE_NUMBER_ID, "messages_per_second": 1000}
    with sending.rt.database.write() as session:
        token = sending.rt.vault.encrypt("sandbox-access-token")
        number = make_number(session, access_token=token, **(given | values))
        template = make_template(session, number, name="spring_sale", components=SPRING)
        other.number_id, other.template_id = number.id, template.id
    return other


@contextmanager
def lanes(sending: Sending, *number_ids: int) -> Iterator[None]:
    """Lanes that run meanwhile; left once each of them ended by itself."""
    threads = [threading.Thread(target=serve, args=(sending.rt, number_id)) for number_id in number_ids]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(90)
    assert not any(thread.is_alive() for thread in threads)


def received(sending: Sending, phone_number_id: str = PHONE_NUMBER_ID) -> list[float]:
    """When the sandbox accepted each message, by its clock."""
    messages = sending.sandbox.call(lambda: list(sending.sandbox.store.messages))
    return sorted(message.at for message in messages if message.phone_number_id == phone_number_id)


def wait_until_received(sending: Sending, count: int) -> None:
    wait_for(lambda: len(received(sending)) >= count, 90, f"{count} messages")


def template_paused(sending: Sending) -> None:
    found = sending.sandbox.sim.world.find_template("spring_sale", "en")
    assert found is not None
    found.status = "PAUSED"


def number_restricted(sending: Sending) -> None:
    sending.sandbox.sim.number(PHONE_NUMBER_ID).status = "RESTRICTED"


def token_refused(sending: Sending) -> None:
    sending.sandbox.sim.faults.inject({"kind": "refuse", "code": 190, "scope": PHONE_NUMBER_ID})


def payment_problem(sending: Sending) -> None:
    sending.sandbox.sim.faults.inject({"kind": "refuse", "code": 131042, "scope": PHONE_NUMBER_ID})


@pytest.mark.parametrize(
    ("happens", "code", "reason", "says"),
    [
        (template_paused, 132015, PauseReason.TEMPLATE_PAUSED, "paused the template"),
        (token_refused, 190, PauseReason.TOKEN_REFUSED, "token expired"),
        (number_restricted, 131031, PauseReason.NUMBER_RESTRICTED, "account is locked"),
        (payment_problem, 131042, PauseReason.PAYMENT, "payment method"),
    ],
)
def test_after_a_decisive_answer_every_lane_stops_and_other_numbers_go_on(
    sending: Sending, begun: Begun, happens: Callable[[Sending], None], code: int, reason: PauseReason, says: str
) -> None:
    elsewhere = second_number(sending)
    campaign_id = sending.campaign(people(0), pace=PACE)
    healthy_id = 0
    if happens is not template_paused:  # the second number has the same template at Meta
        healthy_id = elsewhere.campaign(people(5_000, 120), pace=60.0)

    with lanes(sending, *[sending.number_id] * LANES, elsewhere.number_id):
        wait_until_received(sending, 40)
        sending.sandbox.call(happens, sending)
        wait_for(lambda: sending.row(campaign_id).status is CampaignStatus.PAUSED, 90, "the campaign pauses")

    campaign = sending.row(campaign_id)
    assert campaign.pause_reason is reason
    assert says in show_stored(campaign.pause_detail)
    assert sending.sandbox.store.refused[code] >= 1
    begun.assert_a_told_lane_begins_nothing()
    states = sending.states(campaign_id)
    assert set(states) == {"accepted", "queued"}
    assert states["accepted"] == len(received(sending))
    if healthy_id:
        assert sending.states(healthy_id) == {"accepted": 120}


def test_too_many_failures_alike_pause_the_campaign_whichever_lane_counts_them(sending: Sending) -> None:
    campaign_id = sending.campaign(people(0), pace=60.0)
    with lanes(sending, *[sending.number_id] * LANES):
        wait_until_received(sending, 10)
        sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": 131009})
        wait_for(lambda: sending.row(campaign_id).status is CampaignStatus.PAUSED, 90, "the campaign pauses")
    campaign = sending.row(campaign_id)
    assert campaign.pause_reason is PauseReason.FAILURE_RATE
    assert "messages failed alike" in show_stored(campaign.pause_detail)
    states = sending.states(campaign_id)
    assert states["queued"] > 0
    assert states["accepted"] + states["refused"] + states["queued"] == PEOPLE


def test_resuming_asks_meta_again(sending: Sending) -> None:
    variables = {"body": {"1": {"source": "name"}, "2": {"source": "text", "text": "20%"}}}
    campaign_id = sending.campaign(people(0, 60), pace=PACE, variables=variables)
    sending.sandbox.call(template_paused, sending)
    serve(sending.rt, sending.number_id)
    assert sending.row(campaign_id).pause_reason is PauseReason.TEMPLATE_PAUSED

    with pytest.raises(OperatorError, match="is PAUSED at Meta"):
        resume_campaign(sending.rt, campaign_id, utcnow(), "ops@example.com")
    assert sending.row(campaign_id).status is CampaignStatus.PAUSED

    template = sending.sandbox.sim.world.find_template("spring_sale", "en")
    assert template is not None
    template.status = "APPROVED"
    resume_campaign(sending.rt, campaign_id, utcnow(), "ops@example.com")
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 60}
    assert sending.sandbox.stats()["duplicates"]["count"] == 0


@pytest.mark.parametrize("verb", ["pause", "end"])
def test_pause_and_end_act_within_a_second_on_every_lane(sending: Sending, begun: Begun, verb: str) -> None:
    campaign_id = sending.campaign(people(0), pace=PACE)
    with lanes(sending, *[sending.number_id] * LANES):
        wait_until_received(sending, 40)
        if verb == "end":
            end_campaign(sending.rt, campaign_id, utcnow(), "test")
        else:
            with sending.rt.database.write() as session:
                now = utcnow()
                transition(session, campaign_id, "pause", now, pause_reason=PauseReason.OPERATOR, paused_at=now)
        when_stopped = begun.requests.total()
    # A second of a number's sending is ten chunks: a lane may finish the one at hand and the one it claimed meanwhile.
    assert begun.requests.total() - when_stopped <= LANES * 2 * CHUNK
    states = sending.states(campaign_id)
    waiting = "not_sent" if verb == "end" else "queued"
    assert set(states) <= {"accepted", waiting, *(["queued"] if verb == "end" else [])}
    assert states["accepted"] == len(received(sending))


def test_two_campaigns_on_one_number_share_its_rate(sending: Sending) -> None:
    with sending.rt.database.write() as session:
        session.get_one(Number, sending.number_id).messages_per_second = 150
    first = sending.campaign(people(0, 300), pace=500.0)
    second = sending.campaign(people(5_000, 300), pace=500.0)
    begun = time.time()
    with lanes(sending, sending.number_id, sending.number_id):
        wait_until_received(sending, 200)
        counts = Counter({name: sending.states(name).get("queued", 0) for name in (first, second)})
        for campaign_id in (first, second):
            end_campaign(sending.rt, campaign_id, utcnow(), "test")
    done = {name: 300 - queued for name, queued in counts.items()}
    assert min(done.values()) > 0.35 * sum(done.values())
    times = received(sending)
    assert len(times) / (times[-1] - begun) < 150


def test_a_slow_number_does_not_slow_another(sending: Sending) -> None:
    elsewhere = second_number(sending, messages_per_second=2)
    Pace(sending.rt.redis, elsewhere.number_id, 2).slow_down()
    fast = sending.campaign(people(0, 300), pace=PACE)
    slow = elsewhere.campaign(people(5_000, 200), pace=500.0)
    with lanes(sending, sending.number_id, elsewhere.number_id):
        wait_for(
            lambda: not sending.waiting(fast), 60, "the fast number is done: 2 s at its pace, minutes at the other's"
        )
        wait_for(lambda: received(sending, SECOND_PHONE_NUMBER_ID), 60, "the slow number sends, too")
        assert sending.waiting(slow) > 0
        end_campaign(sending.rt, slow, utcnow(), "test")
    assert len(received(sending)) == 300


def test_a_number_that_is_held_begins_nothing_in_any_lane_and_loses_nobody(sending: Sending, begun: Begun) -> None:
    campaign_id = sending.campaign(people(0, 300), pace=PACE)
    with lanes(sending, *[sending.number_id] * LANES):
        wait_until_received(sending, 20)
        sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": 131057})
        wait_for(lambda: _is_held(sending), 90, "the number is held")
        time.sleep(1.0)
        SHUTDOWN.set()  # a lane waits for the number as long as it lives
    begun.assert_a_told_lane_begins_nothing()
    assert set(sending.states(campaign_id)) == {"accepted", "queued"}
    assert sending.row(campaign_id).status is CampaignStatus.ACTIVE


def _is_held(sending: Sending) -> bool:
    with sending.rt.database.read() as session:
        return session.scalars(select(Number.held_until).where(Number.id == sending.number_id)).one() is not None


def test_replies_have_a_rate_that_campaigns_cannot_use_up(sending: Sending) -> None:
    with sending.rt.database.write() as session:
        session.get_one(Number, sending.number_id).messages_per_second = 100
    number = load_number(sending.rt, sending.number_id)
    assert number is not None
    campaign_id = sending.campaign(people(0, 900), pace=500.0)
    replies = Pace(sending.rt.redis, number.id, number.messages_per_second)
    waits = []
    with lanes(sending, *[sending.number_id] * LANES):
        wait_until_received(sending, 60)
        first = replies.reserve_replies(1)
        assert first.delay_seconds < 0.5, "it comes after what the campaign has reserved"
        time.sleep(first.delay_seconds + 0.12)
        for _ in range(10):
            slot = replies.reserve_replies(1)
            assert slot.size == 1
            waits.append(slot.delay_seconds)
            time.sleep(0.12)
        assert sending.states(campaign_id).get(RecipientState.QUEUED, 0) > 0
        end_campaign(sending.rt, campaign_id, utcnow(), "test")
    assert max(waits) < 0.3


def test_people_are_answered_while_a_campaign_uses_all_that_its_number_may_send(sending: Sending) -> None:
    with sending.rt.database.write() as session:
        session.get_one(Number, sending.number_id).messages_per_second = 60
    campaign_id = sending.campaign(people(0, 900), pace=500.0)
    people_write(sending, 4)
    with lanes(sending, *[sending.number_id] * LANES):
        wait_until_received(sending, 20)
        answer_waiting(sending.rt, 10.0)
        close_dispatcher()
        answers = sending.sandbox.call(lambda: [one for one in sending.sandbox.store.messages if one.kind == "text"])
        still_waits = sending.states(campaign_id).get(RecipientState.QUEUED, 0)
        end_campaign(sending.rt, campaign_id, utcnow(), "test")
    assert len(answers) == 8
    assert still_waits > 0
