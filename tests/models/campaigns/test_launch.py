"""Freezing an audience into recipients: once each, with reasons, from wherever a dead launcher stopped."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.campaigns.launch import begin_launch, launch_slice, stalled_launches
from models.campaigns.stats import campaign_stats
from models.db.engine import Database
from models.errors import OperatorError
from models.segments.store import save_segment
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus, try_transition
from models.tables.contact import Consent
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support import factories
from tests.support.factories import NOW

READS_SPANISH, READS_ENGLISH = ({"all": [{"on": "language", "op": "is", "value": it}]} for it in ("es", "en"))


def _launch(database: Database, campaign_id: int, size: int = 20_000) -> None:
    with database.write() as session:
        token = begin_launch(session, campaign_id, NOW)
    assert token is not None
    while True:
        with database.write() as session:
            if not launch_slice(session, campaign_id, token, NOW, size):
                return


def _rows(session: Session, campaign_id: int) -> dict[int, Recipient]:
    found = session.scalars(select(Recipient).where(Recipient.campaign_id == campaign_id))
    return {row.contact_id: row for row in found}


def _active(session: Session, **values: Any) -> Campaign:
    return factories.make_campaign(session, status=CampaignStatus.ACTIVE, **values)


def test_a_launch_queues_who_is_eligible_and_keeps_the_reason_of_who_is_not(database: Database) -> None:
    with database.write() as session:
        campaign = _active(session)
        alice = factories.alice(session)
        bob = factories.bob(session)
        carol = factories.carol(session)
        factories.make_contact(session, tags={"other": None})
    _launch(database, campaign.id)
    with database.read() as session:
        rows = _rows(session, campaign.id)
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
        campaign = _active(session)
        people = [factories.make_contact(session).id for _ in range(25)]
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
        assert set(_rows(session, campaign.id)) == set(people)
        assert session.get_one(Campaign, campaign.id).launched_at == later
        assert session.scalar(select(func.count()).select_from(Engagement)) == 25


@pytest.fixture
def readers(database: Database) -> tuple[int, set[int]]:
    """A campaign for those who read Spanish, by a segment within a segment, and who they are among six people."""
    with database.write() as session:
        people = [factories.make_contact(session, language="en" if place % 2 else "es") for place in range(6)]
        save_segment(session, "spanish", READS_SPANISH, NOW)
        save_segment(session, "readers", {"all": [{"on": "segment", "op": "has", "name": "spanish"}]}, NOW)
        campaign = _active(session, name="Spring", audience={"include": [{"segment": "readers"}]})
        return campaign.id, {contact.id for contact in people if contact.language == "es"}


def test_a_segment_keeps_its_rule_while_a_part_of_its_people_is_frozen(
    database: Database, readers: tuple[int, set[int]]
) -> None:
    campaign_id, spanish = readers
    with database.write() as session:
        token = begin_launch(session, campaign_id, NOW)
    assert token is not None
    with database.write() as session:
        assert launch_slice(session, campaign_id, token, NOW, size=2)
    for name in ("spanish", "readers"):  # the launcher died; the next one goes on later
        line = (
            f"the segment “{name}” is used by the campaign “Spring”, being prepared now; wait until it sends, or end it"
        )
        with pytest.raises(OperatorError, match=line), database.write() as session:
            save_segment(session, name, READS_ENGLISH, NOW)
    with database.write() as session:
        save_segment(session, "spanish", READS_SPANISH, NOW)
        save_segment(session, "others", READS_ENGLISH, NOW)
        save_segment(session, "others", READS_SPANISH, NOW)
        second = begin_launch(session, campaign_id, NOW + timedelta(seconds=31))
    assert second is not None
    with database.write() as session:
        assert launch_slice(session, campaign_id, second, NOW) is False
    with database.write() as session:
        assert set(_rows(session, campaign_id)) == spanish
        save_segment(session, "spanish", READS_ENGLISH, NOW)


def test_a_slice_waits_for_the_segment_that_is_being_changed(database: Database, readers: tuple[int, set[int]]) -> None:
    campaign_id, spanish = readers
    with database.write() as session:
        token = begin_launch(session, campaign_id, NOW)
    assert token is not None

    def launch() -> None:
        with database.write() as session:
            launch_slice(session, campaign_id, token, NOW)

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            save_segment(session, "spanish", READS_ENGLISH, NOW)
            launching = pool.submit(launch)
            assert not wait([launching], timeout=0.3).done
        launching.result(30)
    with database.read() as session:
        assert set(_rows(session, campaign_id)).isdisjoint(spanish)


def test_a_slice_that_fails_leaves_nothing_and_is_done_again(database: Database) -> None:
    with database.write() as session:
        campaign = _active(session)
        factories.alice(session)
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
        campaign = _active(session)
        first = factories.make_contact(session, "+5511987650001")
        between = factories.make_contact(session)
        second = factories.make_contact(session, "+551187650001")
        assert first.person_key == second.person_key
    _launch(database, campaign.id, size=1)
    with database.read() as session:
        rows = _rows(session, campaign.id)
        assert [rows[contact.id].reason for contact in (first, between, second)] == [None, None, NotSent.DUPLICATE]
        assert rows[second.id].person_key == f"c:{second.id}"


def test_a_record_that_becomes_a_second_one_while_the_launch_runs_is_a_duplicate(database: Database) -> None:
    with database.write() as session:
        campaign = _active(session)
        first = factories.make_contact(session)
        second = factories.make_contact(session)
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
        assert _rows(session, campaign.id)[second.id].reason is NotSent.DUPLICATE


def test_who_is_in_another_campaign_is_left_out_as_engaged_with_its_name(database: Database) -> None:
    with database.write() as session:
        number = factories.make_number(session)
        spring = _active(session, number=number, name="Spring")
        summer = _active(session, number=number, name="Summer")
        alice = factories.alice(session)
    _launch(database, spring.id)
    _launch(database, summer.id)
    with database.read() as session:
        row = _rows(session, summer.id)[alice.id]
        assert (row.state, row.reason, row.detail) == (RecipientState.NOT_SENT, NotSent.ENGAGED, "Spring")


def test_who_loses_the_lock_to_a_campaign_of_the_same_moment_is_engaged(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        number = factories.make_number(session)
        spring = _active(session, number=number, name="Spring")
        summer = _active(session, number=number, name="Summer")
        alice = factories.alice(session)
        bob = factories.make_contact(session, name="Someone else")
        session.add(Engagement(person_key=alice.person_key, campaign_id=spring.id, contact_id=alice.id, created_at=NOW))
    # The waterfall saw nobody engaged: the other launch committed between this slice's two statements.
    from models.audience import eligibility

    unaware = eligibility._branches
    monkeypatch.setattr(
        eligibility,
        "_branches",
        lambda terms, is_shared: (branch for branch in unaware(terms, is_shared) if branch[0] is not NotSent.ENGAGED),
    )
    _launch(database, summer.id)
    with database.read() as session:
        rows = _rows(session, summer.id)
        assert (rows[alice.id].reason, rows[alice.id].detail) == (NotSent.ENGAGED, "Spring")
        assert rows[alice.id].source_values is None
        assert rows[bob.id].state is RecipientState.QUEUED


def test_an_ended_campaign_launches_no_further_and_a_paused_one_does(database: Database) -> None:
    with database.write() as session:
        campaign = _active(session)
        for _ in range(3):
            factories.make_contact(session)
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
        campaign = _active(session)
        alice = factories.alice(session)
        factories.make_contact(session, merged_into_id=alice.id)
    _launch(database, campaign.id)
    with database.read() as session:
        assert set(_rows(session, campaign.id)) == {alice.id}


def test_an_audience_of_nobody_is_launched_at_once(database: Database) -> None:
    with database.write() as session:
        factories.make_contact(session, tags={"vip": None}, consent=Consent.UNKNOWN)
        campaign = _active(session, audience={"include": [{"tag": "vip"}], "exclude": [{"tag": "vip"}]})
    _launch(database, campaign.id)
    with database.read() as session:
        stats = campaign_stats(session, campaign.id)
        assert (stats["eligible"], stats["not_sent"]) == (0, {"excluded": 1})
        row = session.scalars(select(Recipient)).one()
        assert row.person_key == f"c:{row.contact_id}"


def test_two_campaigns_that_launch_at_once_share_their_people_without_a_gap_or_a_double(database: Database) -> None:
    with database.write() as session:
        number = factories.make_number(session)
        campaigns = [_active(session, number=number, name=name).id for name in ("Spring", "Summer")]
        people = [factories.make_contact(session).id for _ in range(120)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda campaign_id: _launch(database, campaign_id, 9), campaigns))
    with database.read() as session:
        stats = [campaign_stats(session, campaign_id) for campaign_id in campaigns]
        assert [found["candidates"] for found in stats] == [120, 120]
        assert [set(found["not_sent"]) <= {"engaged"} for found in stats] == [True, True]
        queued = session.scalars(select(Recipient.contact_id).where(Recipient.state == RecipientState.QUEUED))
        assert sorted(queued) == people, "each person is in exactly one of them"


def test_many_who_would_launch_one_campaign_launch_it_once(database: Database) -> None:
    with database.write() as session:
        campaign = _active(session)
        people = [factories.make_contact(session).id for _ in range(40)]

    def begin_and_launch(place: int) -> None:
        now = NOW + timedelta(minutes=place)  # each finds the others' launch standing still, and takes it over
        with database.write() as session:
            token = begin_launch(session, campaign.id, now)
        has_more = token is not None
        while has_more:
            with database.write() as session:
                has_more = launch_slice(session, campaign.id, token or "", now, 5)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(begin_and_launch, range(4)))
    with database.read() as session:
        rows = session.scalars(select(Recipient.contact_id).where(Recipient.campaign_id == campaign.id))
        assert sorted(rows) == people
        assert session.get_one(Campaign, campaign.id).launched_at is not None


def test_single_contacts_are_launched_without_walking_past_everybody_else(database: Database) -> None:
    with database.write() as session:
        people = [factories.make_contact(session) for _ in range(30)]
        include = [{"contact": people[3].phone}, {"contact": people[28].phone}]
        campaign = _active(session, audience={"include": include})
        token = begin_launch(session, campaign.id, NOW)
    with database.write() as session:
        assert launch_slice(session, campaign.id, token or "", NOW, size=5) is False
        assert sorted(_rows(session, campaign.id)) == [people[3].id, people[28].id]
