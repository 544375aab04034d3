"""Who is queued for another try, when, and what becomes of the try before."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.db.engine import Database
from models.sending.claim import claim_recipients
from models.sending.lease import open_lane
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.contact import Consent, Contact
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, RecipientState
from models.tables.recipient_try import RecipientTry
from models.tables.setting import write_setting
from models.tries.rows import tries_of
from tests.support.factories.campaigns import first_cohort, make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_case
from tests.support.merging import engage
from tests.support.retrying import CAPPED, DAY, failed, queue, running
from tests.support.statuses import MINE, apply, status

TEN_MINUTES = timedelta(minutes=10)
REFUSED = RecipientState.REFUSED


def test_a_try_becomes_a_row_and_the_recipient_begins_anew(session: Session) -> None:
    campaign = running(session)
    row = failed(session, campaign, cost=5, cost_currency="EUR")
    wamid = row.wamid
    assert queue(session, campaign, NOW + DAY - timedelta(seconds=1)).queued == 0
    assert queue(session, campaign, NOW + DAY).queued == 1
    assert queue(session, campaign, NOW + DAY).queued == 0  # it waits in the queue
    assert (row.state, row.status, row.attempts, row.wamid, row.error_code, row.accepted_at, row.failed_at, row.cost) == (
        "queued", "queued", 1, None, None, None, None, None,
    )  # fmt: skip
    (earlier,) = tries_of(session, [row.id])[row.id]
    assert (earlier.attempt, earlier.wamid, earlier.error_code, earlier.failed_at, earlier.status, earlier.cost) == (
        1, wamid, CAPPED, NOW, "failed", 5,
    )  # fmt: skip
    assert session.scalars(select(Engagement.person_key)).all() == [row.person_key]


@pytest.mark.parametrize(
    ("code", "state", "wait", "is_queued"),
    [
        (131049, RecipientState.ACCEPTED, DAY, True),
        (131049, RecipientState.ACCEPTED, TEN_MINUTES, False),
        (130429, RecipientState.ACCEPTED, TEN_MINUTES, True),
        (131000, REFUSED, TEN_MINUTES, True),
        (131016, REFUSED, timedelta(minutes=9), False),
        (131000, RecipientState.ACCEPTED, DAY, False),  # reported later: it may have arrived
        (131026, RecipientState.ACCEPTED, 30 * DAY, False),
        (131050, RecipientState.ACCEPTED, 30 * DAY, False),
        (130472, RecipientState.ACCEPTED, 30 * DAY, False),
        (131009, REFUSED, 30 * DAY, False),
        (0, RecipientState.ACCEPTED, 30 * DAY, False),
    ],
)
@pytest.mark.sqlite_unless_proved
def test_only_passing_failures_that_are_certain_are_tried_again_and_not_too_soon(
    session: Session, code: int, state: RecipientState, wait: timedelta, is_queued: bool
) -> None:
    campaign = running(session)
    failed(session, campaign, code, state)
    assert queue(session, campaign, NOW + wait).queued == int(is_queued)


def test_the_wait_grows_with_every_try(session: Session) -> None:
    campaign, at = running(session), NOW
    row = failed(session, campaign)
    for days in (1, 2, 4, 8, 8):
        assert queue(session, campaign, at + days * DAY - timedelta(seconds=1)).queued == 0
        at += days * DAY
        assert queue(session, campaign, at).queued == 1
        row.state, row.failed_at, row.error_code, row.attempts = RecipientState.ACCEPTED, at, CAPPED, row.attempts + 1
    assert [item.attempt for item in tries_of(session, [row.id])[row.id]] == [1, 2, 3, 4, 5]


@pytest.mark.sqlite_unless_proved
def test_who_has_the_message_or_answered_it_is_not_tried_again(session: Session) -> None:
    campaign = running(session)
    failed(session, campaign, delivered_at=NOW)
    failed(session, campaign, read_at=NOW)
    failed(session, campaign, replied_at=NOW)
    assert queue(session, campaign, NOW + DAY).queued == 0


def test_consent_cases_caps_and_locks_are_checked_anew(session: Session) -> None:
    campaign, other = running(session), running(session)
    gone = failed(session, campaign, person=make_contact(session, consent=Consent.UNSUBSCRIBED))
    in_case = failed(session, campaign)
    make_case(session, session.get_one(Contact, in_case.contact_id), campaign.number)
    engaged = failed(session, campaign)
    engage(session, session.get_one(Contact, engaged.contact_id), other.id)
    written_to = failed(session, campaign)
    write_setting(session, "frequency_cap_messages", 1, NOW)
    person = session.get_one(Contact, written_to.contact_id)
    make_recipient(session, other, person, state=RecipientState.ACCEPTED, accepted_at=NOW + DAY)
    fits = failed(session, campaign)
    result = queue(session, campaign, NOW + DAY)
    assert result.queued == 1
    assert fits.state == "queued"
    assert result.left_out == {
        NotSent.NOT_SUBSCRIBED: 1, NotSent.OPEN_CASE: 1, NotSent.ENGAGED: 1, NotSent.FREQUENCY_CAP: 1,
    }  # fmt: skip
    assert {row.status for row in (gone, in_case, engaged, written_to)} == {"failed"}
    assert queue(session, campaign, NOW + DAY, by_rule=True).left_out.total() == 4
    assert queue(session, campaign, NOW + DAY, by_rule=True).left_out.total() == 0  # not looked at each time
    assert queue(session, campaign, NOW + DAY + timedelta(hours=1), by_rule=True).left_out.total() == 4


@pytest.mark.parametrize(
    ("values", "is_running"),
    [
        ({"status": CampaignStatus.ENDED, "ended_at": NOW}, False),
        ({"launched_at": None}, False),
        ({"deleted_at": NOW}, False),
        ({"status": CampaignStatus.PAUSED, "pause_reason": PauseReason.OPERATOR, "paused_at": NOW}, True),
    ],
)
@pytest.mark.sqlite_unless_proved
def test_only_a_running_campaign_tries_again(session: Session, values: dict[str, Any], is_running: bool) -> None:
    given: dict[str, Any] = {"status": CampaignStatus.ACTIVE, "launched_at": NOW}
    campaign = make_campaign(session, **(given | values))
    failed(session, campaign)
    result = queue(session, campaign, NOW + DAY)
    assert (result.is_running, result.queued) == (is_running, int(is_running))


@pytest.mark.race
def test_two_who_queue_at_once_queue_each_once(database: Database) -> None:
    with database.write() as session:
        campaign = running(session)
        for _ in range(30):
            failed(session, campaign)
    counts: list[int] = []

    def press() -> None:
        with database.write() as session:
            counts.append(queue(session, campaign, NOW + DAY).queued)

    presses = [Thread(target=press) for _ in range(2)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    with database.read() as session:
        assert sum(counts) == session.scalar(select(func.count()).select_from(RecipientTry)) == 30


def test_a_claim_checks_once_more_and_whoever_has_the_message_is_taken_back(database: Database) -> None:
    with database.write() as session:
        campaign = running(session)
        gone, fits, has_it, engaged = (failed(session, campaign) for _ in range(4))
        queue(session, campaign, NOW + DAY)
        session.execute(update(RecipientTry).where(RecipientTry.recipient_id == has_it.id).values(delivered_at=NOW))
        gone.attempts = 2  # an attempt that was put back
        session.get_one(Engagement, engaged.person_key).campaign_id = make_campaign(session).id
        person = make_contact(session, consent=Consent.UNSUBSCRIBED)
        gone.contact_id = person.id
        session.flush()
        lane_id, cohort_id = open_lane(session, campaign.number_id or 0, "host", 1), first_cohort(session, campaign.id)
        claim = claim_recipients(session, lane_id, cohort_id, 10, NOW + DAY)
        session.expire_all()
        assert [(row.id, row.attempt) for row in claim.rows] == [(fits.id, 2)]
        assert (claim.left_out, has_it.status, gone.status, engaged.status) == (2, "delivered", "failed", "failed")
        assert sorted(tries_of(session, [gone.id, fits.id, has_it.id, engaged.id])) == [fits.id]
        # The failed try with its new attempt is kept under it, and its status still finds it.
        assert queue(session, campaign, NOW + 2 * DAY).left_out == {NotSent.NOT_SUBSCRIBED: 1, NotSent.ENGAGED: 1}


def test_what_meta_says_of_an_earlier_try_touches_that_alone(session: Session) -> None:
    campaign = running(session)
    row = failed(session, campaign)
    first = status(row, "failed", -5, CAPPED)
    queue(session, campaign, NOW + DAY)
    assert apply(session, first).applied == 1
    assert (row.status, tries_of(session, [row.id])[row.id][0].failed_at) == ("queued", first.at)
    row.state, row.attempts, row.wamid, row.accepted_at = RecipientState.ACCEPTED, 2, "w.second", NOW + DAY
    result = apply(session, status(row, "delivered", 9, wamid=first.wamid))
    assert (result.applied, row.status) == (1, "sent")
    assert tries_of(session, [row.id])[row.id][0].status == "delivered"
    unnamed = status(row, "read", 10, wamid=first.wamid, callback=None, callback_data=None)
    assert apply(session, unnamed).applied == 1
    assert (row.status, tries_of(session, [row.id])[row.id][0].status) == ("sent", "read")
    second = status(row, "read", 20, callback=status(row, "read", 1).callback._replace(attempt=2))  # type: ignore[union-attr]
    assert apply(session, second).applied == 1
    assert (row.status, MINE) == ("read", second.callback and second.callback.installation)


@pytest.mark.parametrize("kind", ["delivered", "read"])
def test_a_late_delivery_takes_the_recipient_out_of_the_queue(session: Session, kind: str) -> None:
    campaign = running(session)
    row = failed(session, campaign)
    late = status(row, kind, 60)
    queue(session, campaign, NOW + DAY)
    row.attempts = 2  # claimed, and put back
    assert apply(session, late).applied == 1
    assert (row.status, row.wamid, row.attempts) == (kind, late.wamid, 2)
    assert tries_of(session, [row.id]) == {}
    assert queue(session, campaign, NOW + 9 * DAY).queued == 0
