"""What an operator can do about unsure messages."""

from collections.abc import Iterator
from threading import Thread

import pytest
from sqlalchemy import func, select

from models.campaign import CampaignStatus
from models.clock import utcnow
from models.engine import Database
from models.recipient import Recipient, RecipientState
from models.refusal import Refused
from models.unsure import count_open, leave, list_unsure, send_again
from models.user import Audit
from tests.factories import alice, bob, make_campaign, make_recipient


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.dispose()


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
                attempts=1,
            )
            for person in (alice, bob)
        ]
        return campaign.id, [row.id for row in rows]


def test_both_are_listed_with_their_reason_until_a_webhook_settles_one(database: Database) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        row = session.get_one(Recipient, ids[0])
        row.state, row.accepted_at = RecipientState.ACCEPTED, utcnow()
    with database.read() as session:
        first, second = list_unsure(session, campaign_id)
        assert first.settled_at is not None
        assert second.settled_at is None
        assert second.reason.startswith("No clear answer")
        assert count_open(session, campaign_id) == 1
        assert [row.recipient_id for row in list_unsure(session, campaign_id, after_id=ids[0])] == [ids[1]]


def test_leaving_one_is_audited_and_changes_no_state(database: Database) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        assert leave(session, campaign_id, [ids[0]], utcnow(), "ops@example.com") == 1
        assert leave(session, campaign_id, [ids[0]], utcnow(), "ops@example.com") == 0
    with database.read() as session:
        assert count_open(session, campaign_id) == 1
        assert session.get_one(Recipient, ids[0]).state is RecipientState.UNSURE
        assert session.scalar(select(func.count()).select_from(Audit)) == 1


def test_sending_again_queues_them_once(database: Database) -> None:
    campaign_id, ids = begin(database)
    with database.write() as session:
        assert send_again(session, campaign_id, None, utcnow(), "ops@example.com") == 2
        assert send_again(session, campaign_id, None, utcnow(), "ops@example.com") == 0
    with database.read() as session:
        row = session.get_one(Recipient, ids[0])
        assert (row.state, row.attempts) == (RecipientState.QUEUED, 1)
        assert list_unsure(session, campaign_id) == []  # what becomes of it now is not a webhook's word on the doubt


def test_an_ended_campaign_sends_nothing_again(database: Database) -> None:
    campaign_id, _ = begin(database, CampaignStatus.ENDED)
    with database.write() as session, pytest.raises(Refused, match="it is ended"):
        send_again(session, campaign_id, None, utcnow(), "ops@example.com")


def test_two_operators_who_send_the_same_ones_again_queue_each_once(database: Database) -> None:
    campaign_id, _ = begin(database)
    queued: list[int] = []

    def click() -> None:
        with database.write() as session:
            queued.append(send_again(session, campaign_id, None, utcnow(), "ops@example.com"))

    clicks = [Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(queued) == [0, 2]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 1
