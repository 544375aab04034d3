"""Launches beside each other and beside whatever changes meanwhile."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.campaigns.launch import begin_launch, launch_slice
from models.campaigns.stats import campaign_stats
from models.db.engine import Database
from models.errors import OperatorError
from models.segments.store import save_segment
from models.tables.campaign import Campaign
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import make_contact
from tests.support.launching import launch_whole, make_active, rows_of

READS_SPANISH, READS_ENGLISH = ({"all": [{"on": "language", "op": "is", "value": it}]} for it in ("es", "en"))


@pytest.fixture
def readers(database: Database) -> tuple[int, set[int]]:
    """A campaign for those who read Spanish, by a segment within a segment, and who they are among six people."""
    with database.write() as session:
        people = [make_contact(session, language="en" if place % 2 else "es") for place in range(6)]
        save_segment(session, "spanish", READS_SPANISH, NOW)
        save_segment(session, "readers", {"all": [{"on": "segment", "op": "has", "name": "spanish"}]}, NOW)
        campaign = make_active(session, name="Spring", audience={"include": [{"segment": "readers"}]})
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
        assert set(rows_of(session, campaign_id)) == spanish
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
        assert set(rows_of(session, campaign_id)).isdisjoint(spanish)


@pytest.mark.race
def test_who_loses_the_lock_to_a_campaign_of_the_same_moment_is_engaged(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        number = make_number(session)
        spring = make_active(session, number=number, name="Spring")
        summer = make_active(session, number=number, name="Summer")
        alice = make_alice(session)
        bob = make_contact(session, name="Someone else")
        session.add(Engagement(person_key=alice.person_key, campaign_id=spring.id, contact_id=alice.id, created_at=NOW))
    # The waterfall saw nobody engaged: the other launch committed between this slice's two statements.
    from models.audience import eligibility

    unaware = eligibility.branches
    monkeypatch.setattr(
        eligibility,
        "branches",
        lambda terms, is_shared: (branch for branch in unaware(terms, is_shared) if branch[0] is not NotSent.ENGAGED),
    )
    launch_whole(database, summer.id)
    with database.read() as session:
        rows = rows_of(session, summer.id)
        assert (rows[alice.id].reason, rows[alice.id].detail) == (NotSent.ENGAGED, "Spring")
        assert rows[alice.id].source_values is None
        assert rows[bob.id].state is RecipientState.QUEUED


@pytest.mark.race
def test_two_campaigns_that_launch_at_once_share_their_people_without_a_gap_or_a_double(database: Database) -> None:
    with database.write() as session:
        number = make_number(session)
        campaigns = [make_active(session, number=number, name=name).id for name in ("Spring", "Summer")]
        people = [make_contact(session).id for _ in range(120)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda campaign_id: launch_whole(database, campaign_id, 9), campaigns))
    with database.read() as session:
        stats = [campaign_stats(session, campaign_id) for campaign_id in campaigns]
        assert [found["candidates"] for found in stats] == [120, 120]
        assert [set(found["not_sent"]) <= {"engaged"} for found in stats] == [True, True]
        queued = session.scalars(select(Recipient.contact_id).where(Recipient.state == RecipientState.QUEUED))
        assert sorted(queued) == people, "each person is in exactly one of them"


@pytest.mark.race
def test_many_who_would_launch_one_campaign_launch_it_once(database: Database) -> None:
    with database.write() as session:
        campaign = make_active(session)
        people = [make_contact(session).id for _ in range(40)]

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
