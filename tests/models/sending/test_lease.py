"""Leases: who may send, and what becomes of a lane that died."""

from datetime import timedelta

from sqlalchemy import update

from models.campaigns.unsure import resend_unsure
from models.clock import utcnow
from models.db.engine import Database
from models.sending.claim import claim_recipients
from models.sending.lease import end_lane, expire_lane, is_alive, live_lanes, lost_lanes, open_lane, renew_lease
from models.sending.results import AttemptResult, record_results
from models.stored_texts import SENDER_DIED
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus
from models.tables.engagement import Engagement
from models.tables.lane import Lane
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import first_cohort, make_campaign, make_number, make_recipient
from tests.support.factories.contacts import alice, bob


def begin(database: Database) -> tuple[int, int, int]:
    """A lane that has claimed alice; the ids of lane, campaign and recipient."""
    with database.write() as session:
        number = make_number(session)
        campaign = make_campaign(
            session, number, status=CampaignStatus.ACTIVE, launched_at=utcnow(), outcome=CampaignOutcome.SENDING
        )
        make_recipient(session, campaign, alice(session, tags={"vip": None}), source_values={"body": {"1": "Alice"}})
        lane_id, campaign_id = open_lane(session, number.id, "host", 1), campaign.id
    with database.write() as session:
        (row,) = claim_recipients(session, lane_id, first_cohort(session, campaign_id), 10, utcnow()).rows
    return lane_id, campaign_id, row.id


def expire(database: Database, lane_id: int, seconds: float) -> None:
    with database.write() as session:
        session.execute(update(Lane).where(Lane.id == lane_id).values(expires_at=utcnow() - timedelta(seconds=seconds)))


def attempted(recipient_id: int, state: RecipientState, wamid: str | None = None) -> AttemptResult:
    return AttemptResult(recipient_id, 1, state, utcnow(), "wa:34600000001", 1, wamid=wamid, due_at=utcnow())


def state(database: Database, recipient_id: int) -> str:
    with database.read() as session:
        return str(session.get_one(Recipient, recipient_id).state)


def test_a_lane_that_beats_is_left_alone(database: Database) -> None:
    lane_id, _, recipient_id = begin(database)
    with database.write() as session:
        assert renew_lease(session, lane_id)
        assert lost_lanes(session) == []
        assert expire_lane(session, lane_id, utcnow()) == 0
        assert sum(live_lanes(session).values()) == 1
    assert state(database, recipient_id) == "sending"


def test_nothing_is_swept_before_a_request_can_have_ended(database: Database) -> None:
    lane_id, _, recipient_id = begin(database)
    expire(database, lane_id, 5)
    with database.write() as session:
        assert lost_lanes(session) == []
        assert expire_lane(session, lane_id, utcnow()) == 0
        assert not is_alive(session, lane_id)
    assert state(database, recipient_id) == "sending"


def test_what_a_dead_lane_held_becomes_unsure_once(database: Database) -> None:
    lane_id, campaign_id, recipient_id = begin(database)
    expire(database, lane_id, 9)
    with database.write() as session:
        assert lost_lanes(session) == [lane_id]
        assert expire_lane(session, lane_id, utcnow()) == 1
        assert expire_lane(session, lane_id, utcnow()) == 0
    assert state(database, recipient_id) == "unsure"
    with database.write() as session:
        assert not renew_lease(session, lane_id)
        assert not claim_recipients(session, lane_id, first_cohort(session, campaign_id), 10, utcnow()).is_active


def test_a_late_acceptance_raises_what_the_sweep_gave_up(database: Database) -> None:
    lane_id, campaign_id, recipient_id = begin(database)
    expire(database, lane_id, 9)
    with database.write() as session:
        expire_lane(session, lane_id, utcnow())
        record_results(session, lane_id, campaign_id, 1, [attempted(recipient_id, RecipientState.QUEUED)])
    assert state(database, recipient_id) == "unsure"
    with database.write() as session:
        record_results(session, lane_id, campaign_id, 1, [attempted(recipient_id, RecipientState.ACCEPTED, "wamid.A")])
    with database.read() as session:
        row = session.get_one(Recipient, recipient_id)
        assert (row.state, row.wamid, row.status) == (RecipientState.ACCEPTED, "wamid.A", "sent")
        assert row.unsure_at is not None
        assert row.detail == SENDER_DIED().stored()


def test_a_lane_that_still_holds_a_row_does_not_end_and_what_an_ended_one_left_is_swept(database: Database) -> None:
    lane_id, _, recipient_id = begin(database)
    with database.write() as session:
        end_lane(session, lane_id)
        assert session.get_one(Lane, lane_id).ended_at is None
        session.execute(update(Lane).where(Lane.id == lane_id).values(ended_at=utcnow()))
    expire(database, lane_id, 9)
    with database.write() as session:
        assert lost_lanes(session) == [lane_id]
        assert expire_lane(session, lane_id, utcnow()) == 1
        assert lost_lanes(session) == []
    assert state(database, recipient_id) == "unsure"


def test_another_lane_records_nothing_on_a_row_that_is_not_its_own(database: Database) -> None:
    lane_id, campaign_id, recipient_id = begin(database)
    with database.write() as session:
        record_results(
            session, lane_id + 1, campaign_id, 1, [attempted(recipient_id, RecipientState.ACCEPTED, "wamid.B")]
        )
    assert state(database, recipient_id) == "sending"


def test_an_id_that_another_message_has_leaves_the_row_unsure(database: Database) -> None:
    lane_id, campaign_id, recipient_id = begin(database)
    with database.write() as session:
        other = make_recipient(
            session,
            session.get_one(Campaign, campaign_id),
            bob(session),
            state=RecipientState.ACCEPTED,
            wamid="wamid.C",
        )
        assert other.id != recipient_id
    with database.write() as session:
        record_results(session, lane_id, campaign_id, 1, [attempted(recipient_id, RecipientState.ACCEPTED, "wamid.C")])
    assert state(database, recipient_id) == "unsure"


def test_a_late_refusal_frees_nobody_who_is_sent_to_again(database: Database) -> None:
    lane_id, campaign_id, recipient_id = begin(database)
    with database.write() as session:
        row = session.get_one(Recipient, recipient_id)
        lock = Engagement(
            person_key=row.person_key, campaign_id=campaign_id, contact_id=row.contact_id, created_at=utcnow()
        )
        session.add(lock)
    expire(database, lane_id, 9)
    with database.write() as session:
        assert expire_lane(session, lane_id, utcnow()) == 1
    with database.write() as session:
        assert resend_unsure(session, campaign_id, None, utcnow(), "ops@example.com") == 1
    with database.write() as session:
        record_results(session, lane_id, campaign_id, 1, [attempted(recipient_id, RecipientState.REFUSED)])
    assert state(database, recipient_id) == "queued"
    with database.read() as session:
        assert session.get(Engagement, "wa:34600000001") is not None
