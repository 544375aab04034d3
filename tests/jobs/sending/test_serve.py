"""One process that sends for several numbers, and outcomes that cannot be kept, on both databases."""

import asyncio
import threading
import time

import pytest
from sqlalchemy import select, update

from bot.sandbox.seed import PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID
from jobs.sending.recorder import Recorder
from jobs.sending.serve import serve_number
from jobs.sending.wake import lacking_lanes
from models.clock import utcnow
from models.sending.claim import claim_recipients
from models.sending.lease import open_lane
from models.sending.results import AttemptResult
from models.stored_texts import ANSWER_NOT_KEPT
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.lane import Lane
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import first_cohort, make_number, make_template
from tests.support.sending_rig import SPRING, Sending


def phones(count: int, start: int) -> list[str]:
    return [f"+3460002{start + index:04d}" for index in range(count)]


def use_the_second_number(sending: Sending) -> None:
    """From here on campaigns are the second number's."""
    with sending.rt.database.write() as session:
        token = session.get_one(Number, sending.number_id).access_token
        number = make_number(session, phone_number_id=SECOND_PHONE_NUMBER_ID, access_token=token)
        sending.number_id = number.id
        sending.template_id = make_template(session, number, name="spring_sale", components=SPRING).id


def test_a_slow_campaign_keeps_no_other_number_waiting_for_a_process(sending: Sending) -> None:
    first = sending.number_id
    slow = sending.campaign(phones(200, 0), pace=2)
    use_the_second_number(sending)
    quick = sending.campaign(phones(30, 300))
    host = threading.Thread(target=serve_number, args=(first,), daemon=True)
    begun = time.monotonic()
    host.start()

    while sending.waiting(quick) and time.monotonic() < begun + 60:
        time.sleep(0.05)
    assert sending.waiting(quick) == 0
    assert sending.waiting(slow) > 0
    with sending.rt.database.write() as session:
        session.execute(
            update(Campaign).where(Campaign.id == slow).values(status=CampaignStatus.ENDED, ended_at=utcnow())
        )
    host.join(60)
    assert not host.is_alive()
    with sending.rt.database.read() as session:
        assert all(lane.ended_at for lane in session.scalars(select(Lane)))
    senders = {message.phone_number_id for message in sending.sandbox.store.messages}
    assert senders == {PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID}


def test_a_wake_up_that_comes_when_the_number_has_its_lane_opens_no_other(sending: Sending) -> None:
    sending.campaign(phones(5, 0), pace=100)
    assert lacking_lanes(sending.rt, utcnow()) == {sending.number_id}
    with sending.rt.database.write() as session:
        open_lane(session, sending.number_id, "elsewhere", 1)

    assert lacking_lanes(sending.rt, utcnow()) == set()
    serve_number(sending.number_id)

    with sending.rt.database.read() as session:
        assert len(session.scalars(select(Lane)).all()) == 1


@pytest.mark.parametrize("code", [2**31, 2**70])
def test_an_outcome_that_no_database_takes_keeps_none_of_the_others(sending: Sending, code: int) -> None:
    campaign_id = sending.campaign(phones(3, 0))
    now = utcnow()
    with sending.rt.database.write() as session:
        lane_id = open_lane(session, sending.number_id, "here", 1)
    with sending.rt.database.write() as session:
        rows = claim_recipients(session, lane_id, first_cohort(session, campaign_id), 3, now).rows
        portfolio_id = session.get_one(Number, sending.number_id).waba.portfolio_id
    recorder = Recorder(sending.rt, lane_id, portfolio_id)
    accepted, refused = RecipientState.ACCEPTED, RecipientState.REFUSED
    for row, state, wamid, error in zip(
        rows, (accepted, refused, accepted), ("wamid.1", None, "wamid.3"), (None, code, None), strict=True
    ):
        given = AttemptResult(row.id, row.attempt, state, now, row.person_key, row.contact_id, wamid, code=error)
        recorder.add(campaign_id, given)

    asyncio.run(recorder.flush())

    assert recorder.is_empty
    assert not recorder.is_stuck
    with sending.rt.database.read() as session:
        found = [(row.state, row.error_msg) for row in session.scalars(select(Recipient).order_by(Recipient.id))]
    if found[1][0] == "refused":  # SQLite keeps any integer of up to 63 bits
        assert sending.rt.database.is_sqlite
        assert code < 2**63
    else:
        assert found[1] == ("unsure", ANSWER_NOT_KEPT().stored())
    assert [found[0], found[2]] == [("accepted", None)] * 2
