"""Running senders follow a number's rate: what Meta or an operator changes counts within a second."""

import threading
import time

import pytest
from sqlalchemy import update

from jobs.sending import lane, wake
from jobs.sending.serve import serve
from jobs.sending.wake import lacking_lanes
from models.clock import utcnow
from models.sending.lease import open_lane
from models.tables.number import Number
from tests.support.running_hark import wait_for
from tests.support.sending_rig import Sending

pytestmark = pytest.mark.sandbox(suffix_faults=False)


def set_number(sending: Sending, **values: object) -> None:
    with sending.rt.database.write() as session:
        session.execute(update(Number).where(Number.id == sending.number_id).values(**values))


def count_received(sending: Sending) -> int:
    return sending.sandbox.call(lambda: len(sending.sandbox.store.messages))


def test_an_upgraded_number_gets_more_lanes(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "RATE_OF_A_LANE", 500.0)
    set_number(sending, messages_per_second=None, throughput="STANDARD")
    sending.campaign(["+34600000001"], pace=1000.0)
    with sending.rt.database.write() as session:
        open_lane(session, sending.number_id, "here", 1)
    assert lacking_lanes(sending.rt, utcnow()) == set()
    set_number(sending, throughput="HIGH")
    assert lacking_lanes(sending.rt, utcnow()) == {sending.number_id}


def test_a_running_campaign_becomes_faster_once_meta_has_upgraded_its_number(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.4)
    set_number(sending, messages_per_second=None, throughput="PHONE_APP")
    campaign_id = sending.campaign([f"+34600{index:06d}" for index in range(300)], pace=500.0)
    begun = time.time()
    thread = threading.Thread(target=serve, args=(sending.rt, sending.number_id))
    thread.start()
    wait_for(lambda: count_received(sending) >= 12, 60, "the number sends, slowly")
    slow = count_received(sending) / (time.time() - begun)
    set_number(sending, throughput="HIGH")
    changed = time.time()
    wait_for(lambda: count_received(sending) >= 300, 60, "everybody got it")
    fast = 280 / (time.time() - changed)
    thread.join(60)
    assert slow < 30
    assert fast > 40, "twice of what the number did before"
    assert sending.states(campaign_id) == {"accepted": 300}
