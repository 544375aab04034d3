"""What an answer of Meta's makes of a recipient."""

import time
from functools import partial

import pytest

from bot.meta import client as graph
from bot.meta.transport import AiohttpTransport
from jobs.sending.serve import serve
from models.tables.campaign import CampaignStatus
from models.tables.engagement import Engagement
from tests.support.sending_rig import Sending, phones

pytestmark = pytest.mark.usefixtures("idle_lanes_end_soon")


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

    end = time.monotonic() + 60
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


def test_a_parameter_that_meta_does_not_accept_is_one_persons_trouble(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(20))
    sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": 100, "count": 2})
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 18, "refused": 2}
    assert sending.row(campaign_id).status is CampaignStatus.ACTIVE
