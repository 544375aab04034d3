"""What an operator can do about unsure messages."""

from threading import Thread

import pytest
from sqlalchemy import func, select

from models.campaigns.unsure import count_open, count_settled, leave_unsure, list_unsure, resend_unsure
from models.clock import utcnow
from models.db.engine import Database
from models.errors import OperatorError
from models.tables.audit import Audit
from models.tables.campaign import CampaignStatus
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.contacts import alice, bob


def begin(database: Database, status: CampaignStatus = CampaignStatus.ACTIVE) -> tuple[int, list[int]]:
    with database.write() as session:
        campaign = make_campaign(session, status=status, launched_at=utcnow())
        rows = [
            make_recipient(
                session,
                campaign,
                person(session),
                state=RecipientState.UNSURE,
                unsure_at=utcnow(),
                error_msg="No clear answer: the answer was lost.",
                detail="No clear answer: the answer was lost.",
                attempts=1,
            )
            for person in (alice, bob)
        ]
        return campaign.id, [row.id for row in rows]


def test_both_are_listed_with_their_reason_and_the_one_that_a_webhook_settled_after_the_open_one(
    database: Database,
) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        row = session.get_one(Recipient, ids[0])
        row.state, row.accepted_at, row.delivered_at = RecipientState.ACCEPTED, utcnow(), utcnow()
        row.error_msg = None
    with database.read() as session:
        first, second = list_unsure(session, campaign_id)
        assert [first.recipient_id, second.recipient_id] == [ids[1], ids[0]]
        assert (first.settled_at, first.status) == (None, "unsure")
        assert first.reason.startswith("No clear answer")
        assert second.settled_at is not None
        assert second.reason == first.reason
        assert (second.is_reported, second.status) == (True, "delivered")
        assert (count_open(session, campaign_id), count_settled(session, campaign_id)) == (1, 1)
        [following] = list_unsure(session, campaign_id, after=(first.place, first.recipient_id))
        assert following == second
        assert list_unsure(session, campaign_id, after=(second.place, second.recipient_id)) == []


@pytest.mark.parametrize("state", [RecipientState.ACCEPTED, RecipientState.REFUSED])
def test_what_a_late_answer_settled_is_not_called_reported(database: Database, state: RecipientState) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        row = session.get_one(Recipient, ids[0])
        row.state, row.error_code, row.error_msg = state, None, None
        if state is RecipientState.ACCEPTED:
            row.accepted_at = utcnow()
        else:
            row.failed_at, row.error_code, row.error_msg = utcnow(), 131009, "A value is not valid."
    with database.read() as session:
        settled = list_unsure(session, campaign_id)[-1]
        assert settled.recipient_id == ids[0]
        assert settled.settled_at is not None
        assert not settled.is_reported
        error = "" if state is RecipientState.ACCEPTED else " 131009: A value is not valid."
        assert settled.reason == f"No clear answer: the answer was lost.{error}"


def test_one_that_is_sent_again_with_success_is_not_listed_as_settled(database: Database) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        resend_unsure(session, campaign_id, [ids[0]], utcnow(), "ops@example.com")
        row = session.get_one(Recipient, ids[0])
        row.state, row.accepted_at, row.sent_at = RecipientState.ACCEPTED, utcnow(), utcnow()
    with database.read() as session:
        assert [row.recipient_id for row in list_unsure(session, campaign_id)] == [ids[1]]
        assert count_settled(session, campaign_id) == 0


def test_leaving_one_is_audited_and_changes_no_state(database: Database) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        assert leave_unsure(session, campaign_id, [ids[0]], utcnow(), "ops@example.com") == 1
        assert leave_unsure(session, campaign_id, [ids[0]], utcnow(), "ops@example.com") == 0
    with database.read() as session:
        assert count_open(session, campaign_id) == 1
        assert session.get_one(Recipient, ids[0]).state is RecipientState.UNSURE
        assert session.scalar(select(func.count()).select_from(Audit)) == 1


def test_sending_again_queues_them_once(database: Database) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        assert resend_unsure(session, campaign_id, None, utcnow(), "ops@example.com") == 2
        assert resend_unsure(session, campaign_id, None, utcnow(), "ops@example.com") == 0
    with database.read() as session:
        row = session.get_one(Recipient, ids[0])
        assert (row.state, row.attempts, row.detail) == (RecipientState.QUEUED, 1, None)
        assert list_unsure(session, campaign_id) == []  # what becomes of it now is not a webhook's word on the doubt


def test_an_ended_campaign_sends_nothing_again(database: Database) -> None:
    campaign_id, _ = begin(database, CampaignStatus.ENDED)
    with database.write() as session, pytest.raises(OperatorError, match="it is ended"):
        resend_unsure(session, campaign_id, None, utcnow(), "ops@example.com")


@pytest.mark.race
def test_two_operators_who_send_the_same_ones_again_queue_each_once(database: Database) -> None:
    campaign_id, _ = begin(database)
    queued: list[int] = []

    def click() -> None:
        with database.write() as session:
            queued.append(resend_unsure(session, campaign_id, None, utcnow(), "ops@example.com"))

    clicks = [Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(queued) == [0, 2]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 1
