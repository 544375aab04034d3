"""Recipients of before cohorts were stored get theirs, slice by slice, while their campaign is sent."""

import threading

import pytest
from sqlalchemy import delete, func, select, update

from jobs.sending import cohort_assignment
from jobs.sending.cohort_assignment import assign_cohorts
from jobs.sending.serve import serve
from models.clock import utcnow
from models.sending.cohorts import cohorts_of
from models.sending.unassigned import assign_queued
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient
from tests.support.sending_rig import Sending, phones

pytestmark = pytest.mark.usefixtures("idle_lanes_end_soon")


def as_before(sending: Sending, campaign_id: int) -> None:
    """As the migration leaves a campaign that was launched before it."""
    with sending.rt.database.write() as session:
        session.execute(update(Recipient).where(Recipient.campaign_id == campaign_id).values(cohort_id=None))
        session.execute(update(Cohort).where(Cohort.campaign_id == campaign_id).values(has_unassigned=True))


def unassigned(sending: Sending, campaign_id: int) -> tuple[int, bool]:
    with sending.rt.database.read() as session:
        is_left = Recipient.campaign_id == campaign_id, Recipient.cohort_id.is_(None)
        (cohort,) = cohorts_of(session, campaign_id)
        return session.scalar(select(func.count()).where(*is_left)) or 0, cohort.has_unassigned


def test_all_recipients_are_assigned_in_slices_and_then_the_campaign_is_as_a_new_one(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort_assignment, "SLICE", 3)
    monkeypatch.setattr(cohort_assignment, "SECONDS", 0.0)
    first, second = sending.campaign(phones(10)), sending.campaign(phones(4, 100))
    serve(sending.rt, sending.number_id)  # who got it is assigned too: an operator may have it sent again
    third = sending.campaign(phones(5, 200))
    for campaign_id in (first, second, third):
        as_before(sending, campaign_id)
    monkeypatch.setattr(cohort_assignment, "SECONDS", 10.0)
    assign_cohorts(sending.rt, utcnow())
    assert [unassigned(sending, key) for key in (first, second, third)] == [(0, False)] * 3
    with sending.rt.database.read() as session:
        query = select(Recipient.campaign_id, Cohort.campaign_id).join(Cohort, Cohort.id == Recipient.cohort_id)
        assert all(own == of_cohort for own, of_cohort in session.execute(query))


def test_a_campaign_is_sent_once_to_everybody_while_its_recipients_are_assigned(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort_assignment, "SLICE", 7)
    campaign_id = sending.campaign(phones(150))
    as_before(sending, campaign_id)
    over = threading.Event()

    def assign() -> None:
        while not over.is_set():
            assign_cohorts(sending.rt, utcnow())

    threads = [threading.Thread(target=assign) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        serve(sending.rt, sending.number_id)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assign_cohorts(sending.rt, utcnow())
    assert sending.states(campaign_id) == {"accepted": 150}
    assert sending.sandbox.stats()["duplicates"]["count"] == 0
    assert unassigned(sending, campaign_id) == (0, False)


def test_what_was_assigned_to_half_is_sent_wholly_after_a_crash(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(20))
    as_before(sending, campaign_id)
    with sending.rt.database.write() as session:
        assert assign_queued(session, cohorts_of(session, campaign_id)[0], 9) == 9
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 20}


def test_a_campaign_that_an_earlier_version_started_after_the_migration_gets_a_cohort(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(5))
    as_before(sending, campaign_id)
    with sending.rt.database.write() as session:
        session.execute(delete(Cohort))
    assert serve(sending.rt, sending.number_id) == 0
    assign_cohorts(sending.rt, utcnow())
    assert serve(sending.rt, sending.number_id) == 5
    with sending.rt.database.read() as session:
        assert len(cohorts_of(session, campaign_id)) == 1
        assert session.get_one(Campaign, campaign_id).pause_reason is None
