"""Launching: who is queued, who is not and why; each person once."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.campaigns.launch import begin_launch, launch_slice, stalled_launches
from models.campaigns.stats import campaign_stats
from models.db.engine import Database
from models.tables.campaign import Campaign, CampaignOutcome, try_transition
from models.tables.contact import Consent
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import bob as make_bob
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import carol as make_carol
from tests.support.launching import launch_whole, make_active, rows_of


def test_a_launch_queues_who_is_eligible_and_keeps_the_reason_of_who_is_not(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        alice = make_alice(session)
        bob = make_bob(session)
        carol = make_carol(session)
        make_contact(session, tags={"other": None})
    launch_whole(database, campaign.id)
    with database.read() as session:
        rows = rows_of(session, campaign.id)
        assert set(rows) == {alice.id, bob.id, carol.id}
        queued = rows[alice.id]
        assert (queued.state, queued.reason, queued.person_key) == (RecipientState.QUEUED, None, alice.person_key)
        assert queued.source_values == {"body": {"1": "Alice"}}
        assert (queued.due_at, queued.queued_at) == (NOW, NOW)
        assert (rows[bob.id].reason, rows[bob.id].detail) == (NotSent.NOT_SUBSCRIBED, "unsubscribed")
        assert rows[bob.id].source_values is None
        assert rows[carol.id].reason is NotSent.OPEN_CASE
        assert list(session.scalars(select(Engagement.person_key))) == [alice.person_key]
        launched = session.get_one(Campaign, campaign.id)
        assert (launched.launched_at, launched.outcome) == (NOW, CampaignOutcome.SENDING)
        stats = campaign_stats(session, campaign.id)
        assert (stats["candidates"], stats["eligible"], stats["queued"]) == (3, 1, 1)
        assert stats["not_sent"] == {"not_subscribed": 1, "open_case": 1}


def test_a_launch_in_slices_that_stops_goes_on_from_its_cursor_and_doubles_nobody(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        people = [make_contact(session).id for _ in range(25)]
    with database.write() as session:
        token = begin_launch(session, campaign.id, NOW)
    assert token is not None
    for _ in range(2):
        with database.write() as session:
            assert launch_slice(session, campaign.id, token, NOW, size=10)
    later = NOW + timedelta(seconds=31)
    with database.write() as session:
        assert session.scalar(select(func.count()).select_from(Recipient)) == 20
        assert begin_launch(session, campaign.id, NOW + timedelta(seconds=29)) is None
        assert stalled_launches(session, NOW + timedelta(seconds=29)) == []
        assert stalled_launches(session, later) == [campaign.id]
        second = begin_launch(session, campaign.id, later)
    assert second is not None
    with database.write() as session:
        assert launch_slice(session, campaign.id, token, later, size=10) is False, "the first one lost its token"
        assert session.scalar(select(func.count()).select_from(Recipient)) == 20
    with database.write() as session:
        assert launch_slice(session, campaign.id, second, later, size=10) is False
    with database.read() as session:
        assert set(rows_of(session, campaign.id)) == set(people)
        assert session.get_one(Campaign, campaign.id).launched_at == later
        assert session.scalar(select(func.count()).select_from(Engagement)) == 25


def test_a_slice_that_fails_leaves_nothing_and_is_done_again(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        make_alice(session)
        token = begin_launch(session, campaign.id, NOW)
    assert token is not None
    session = Session(database.write_engine)
    assert launch_slice(session, campaign.id, token, NOW) is False
    assert session.scalar(select(func.count()).select_from(Recipient)) == 1
    session.close()  # killed before the commit
    with database.write() as session:
        assert session.scalar(select(func.count()).select_from(Recipient)) == 0
        assert launch_slice(session, campaign.id, token, NOW) is False
    with database.read() as session:
        assert campaign_stats(session, campaign.id)["queued"] == 1


def test_two_records_of_one_person_get_one_message_even_when_slices_part_them(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        first = make_contact(session, "+5511987650001")
        between = make_contact(session)
        second = make_contact(session, "+551187650001")
        assert first.person_key == second.person_key
    launch_whole(database, campaign.id, size=1)
    with database.read() as session:
        rows = rows_of(session, campaign.id)
        assert [rows[contact.id].reason for contact in (first, between, second)] == [None, None, NotSent.DUPLICATE]
        assert rows[second.id].person_key == f"c:{second.id}"


def test_a_record_that_becomes_a_second_one_while_the_launch_runs_is_a_duplicate(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        first = make_contact(session)
        second = make_contact(session)
        token = begin_launch(session, campaign.id, NOW)
    assert token is not None
    with database.write() as session:
        assert launch_slice(session, campaign.id, token, NOW, size=1)
    with database.write() as session:
        key = first.person_key
        session.merge(first).person_key = "wa:elsewhere"
        session.merge(second).person_key = key
    with database.write() as session:
        launch_slice(session, campaign.id, token, NOW, size=1)
    with database.read() as session:
        assert rows_of(session, campaign.id)[second.id].reason is NotSent.DUPLICATE


def test_who_is_in_another_campaign_is_left_out_as_engaged_with_its_name(database: Database) -> None:
    with database.write() as session:
        number = make_number(session)
        spring = make_active(session, number=number, name="Spring")
        summer = make_active(session, number=number, name="Summer")
        alice = make_alice(session)
    launch_whole(database, spring.id)
    launch_whole(database, summer.id)
    with database.read() as session:
        row = rows_of(session, summer.id)[alice.id]
        assert (row.state, row.reason, row.detail) == (RecipientState.NOT_SENT, NotSent.ENGAGED, "Spring")


def test_an_ended_campaign_launches_no_further_and_a_paused_one_does(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        for _ in range(3):
            make_contact(session)
        token = begin_launch(session, campaign.id, NOW)
    assert token is not None
    with database.write() as session:
        assert launch_slice(session, campaign.id, token, NOW, size=1)
    with database.write() as session:
        assert try_transition(session, campaign.id, "pause", NOW, pause_reason="operator")
    with database.write() as session:
        assert launch_slice(session, campaign.id, token, NOW, size=1)
    with database.write() as session:
        assert try_transition(session, campaign.id, "end", NOW)
    with database.write() as session:
        assert launch_slice(session, campaign.id, token, NOW, size=1) is False
        assert begin_launch(session, campaign.id, NOW + timedelta(hours=1)) is None
        assert session.scalar(select(func.count()).select_from(Recipient)) == 2
        assert session.get_one(Campaign, campaign.id).launched_at is None


def test_a_merged_record_is_no_candidate(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        alice = make_alice(session)
        make_contact(session, merged_into_id=alice.id)
    launch_whole(database, campaign.id)
    with database.read() as session:
        assert set(rows_of(session, campaign.id)) == {alice.id}


def test_an_audience_of_nobody_is_launched_at_once(database: Database) -> None:
    with database.write() as session:
        make_contact(session, tags={"vip": None}, consent=Consent.UNKNOWN)
        campaign = make_active(session, audience={"include": [{"tag": "vip"}], "exclude": [{"tag": "vip"}]})
    launch_whole(database, campaign.id)
    with database.read() as session:
        stats = campaign_stats(session, campaign.id)
        assert (stats["eligible"], stats["not_sent"]) == (0, {"excluded": 1})
        row = session.scalars(select(Recipient)).one()
        assert row.person_key == f"c:{row.contact_id}"


def test_single_contacts_are_launched_without_walking_past_everybody_else(database: Database) -> None:
    with database.write() as session:
        people = [make_contact(session) for _ in range(30)]
        include = [{"contact": people[3].phone}, {"contact": people[28].phone}]
        campaign = make_active(session, audience={"include": include})
        token = begin_launch(session, campaign.id, NOW)
    with database.write() as session:
        assert launch_slice(session, campaign.id, token or "", NOW, size=5) is False
        assert sorted(rows_of(session, campaign.id)) == [people[3].id, people[28].id]
