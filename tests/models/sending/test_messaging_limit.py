"""The portfolio's count of unique people in 24 hours: never above the limit, and not counted anew for every chunk."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event, select

from models.clock import utcnow
from models.db.engine import Database
from models.sending import messaging_limit as ledger
from models.sending.claim import claim_recipients
from models.sending.lease import open_lane
from models.sending.messaging_limit import (
    SPAN,
    Reservation,
    all_sent_at,
    release_people,
    reserve_people,
    used_people,
)
from models.sending.results import AttemptResult, record_results
from models.tables.campaign import CampaignStatus
from models.tables.engagement import LedgerEntry
from models.tables.number import UNLIMITED, Portfolio
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import first_cohort, make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.proof import dice, rounds

HOUR = timedelta(hours=1)


def begin(database: Database, limit: int | None) -> tuple[int, int]:
    with database.write() as session:
        number = make_number(session, messaging_limit=limit)
        return number.waba.portfolio_id, number.id


def ask(database: Database, ids: tuple[int, int], names: range, hours: float = 0.0) -> Reservation:
    people = [(f"wa:{name}", name) for name in names]
    with database.write() as session:
        return reserve_people(session, *ids, people, NOW + hours * HOUR)


def test_the_count_follows_a_plain_model_through_days_of_sending(database: Database) -> None:
    ids, rng = begin(database, 60), dice(7)
    model: dict[str, float] = {}
    hours = 0.0
    for _ in range(rounds(60, 1000)):
        hours += rng.random() * 3
        first = rng.randrange(400)
        names = range(first, first + rng.randrange(1, 25))
        counting = {key for key, at in model.items() if at > hours - 24}
        new = [f"wa:{name}" for name in names if f"wa:{name}" not in counting]
        granted = new[: 60 - len(counting)]
        found = ask(database, ids, names, hours)
        assert found.counted == set(granted)
        assert (found.lifts_at is not None) == (len(granted) < len(new))
        model |= dict.fromkeys(granted, hours)
        if rng.random() < 0.3 and granted:
            with database.write() as session:
                release_people(session, ids[0], granted[:2])
            for key in granted[:2]:
                del model[key]


def test_where_there_is_room_nobody_counts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = begin(database, 100)
    ask(database, ids, range(10))
    with monkeypatch.context() as patched:
        patched.delattr(ledger, "used_people")
        for first in range(10, 100, 10):
            assert len(ask(database, ids, range(first, first + 10)).granted) == 10
    full = ask(database, ids, range(100, 110))
    assert (full.granted, full.lifts_at) == (frozenset(), NOW + SPAN)


def test_a_limit_that_becomes_known_counts_whom_was_written_to_before(database: Database) -> None:
    ids = begin(database, 100)
    ask(database, ids, range(5))
    for limit in (None, 20):
        with database.write() as session:
            session.get_one(Portfolio, ids[0]).messaging_limit = limit
        granted = ask(database, ids, range(5, 20) if limit is None else range(20, 40)).granted
        assert len(granted) == (15 if limit is None else 0)


def test_people_count_without_a_limit_too_and_a_limit_that_comes_holds(database: Database) -> None:
    ids = begin(database, UNLIMITED)
    first = ask(database, ids, range(30))
    assert (len(first.granted), len(first.counted), first.lifts_at) == (30, 30, None)
    again = ask(database, ids, range(20, 40), 1)
    assert (len(again.granted), len(again.counted)) == (20, 10)
    with database.write() as session:
        release_people(session, ids[0], ["wa:39"])
        assert used_people(session, ids[0], NOW + HOUR) == 39
        session.get_one(Portfolio, ids[0]).messaging_limit = 40
    limited = ask(database, ids, range(38, 50), 2)
    assert limited.granted == {"wa:38", "wa:39"}
    assert limited.lifts_at == NOW + SPAN


@pytest.mark.parametrize(("people", "hours"), [(1, 20), (2, 21), (3, 24), (4, 24), (5, 44), (7, 48), (8, 48), (9, 68)])
def test_the_last_of_many_people_can_be_written_to_when_their_place_is_free(
    database: Database, people: int, hours: int
) -> None:
    ids = begin(database, 4)
    ask(database, ids, range(1), -4)
    ask(database, ids, range(1, 2), -3)
    ask(database, ids, range(2, 4))
    with database.read() as session:
        assert all_sent_at(session, ids[0], people, NOW) == NOW + hours * HOUR


def test_the_last_one_waits_for_a_hundredth_of_the_limit(database: Database) -> None:
    ids = begin(database, 300)
    for minute in range(6):
        ask(database, ids, range(minute, minute + 1), minute / 60)
    with database.read() as session:
        times = [all_sent_at(session, ids[0], people, NOW + HOUR) - NOW - SPAN for people in (1, 3, 4, 6, 7)]
    minutes = [int(time / timedelta(minutes=1)) for time in times]
    assert minutes == [2, 2, 5, 5, 60]


@pytest.mark.race
def test_many_at_once_stay_within_the_limit(database: Database) -> None:
    ids = begin(database, 50)
    threads = [
        Thread(target=lambda start=start: [ask(database, ids, range(at, at + 5)) for at in range(start, start + 25, 5)])
        for start in (0, 1000, 2000, 3000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert used_people(session, ids[0], NOW) == 50
        assert len(session.scalars(select(LedgerEntry.person_key)).all()) == 50


def test_whether_somebody_counts_already_is_looked_up_by_person(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    ids = begin(database, 100)
    asked: list[tuple[str, Any]] = []
    with database.write() as session:
        connection = session.connection()
        event.listen(
            connection, "before_cursor_execute", lambda _c, _cursor, text, values, *_: asked.append((text, values))
        )
        reserve_people(session, *ids, [(f"wa:{name}", name) for name in range(50)], NOW)
        lookups = [one for one in asked if one[0].startswith("SELECT portfolio_ledger.person_key")]
        assert len(lookups) == 1
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {lookups[0][0]}", lookups[0][1]).all()
    database.dispose()
    assert "ix_portfolio_ledger_age" not in str(plan)  # 36 ms instead of 0.1 where 100,000 people count
    assert "person_key=?" in str(plan)


def test_a_limit_that_is_met_gives_way_once_a_hundredth_of_it_is_free(database: Database) -> None:
    ids = begin(database, 300)
    for minute in range(10):
        ask(database, ids, range(minute * 30, minute * 30 + 30 - 29 * (minute < 5)), minute / 60)
    ask(database, ids, range(1000, 1145), 0.2)
    found = ask(database, ids, range(2000, 2010), 0.3)
    assert not found.granted
    assert found.lifts_at == NOW + timedelta(minutes=2) + SPAN  # the third of those who count


def test_who_is_refused_at_a_later_try_counts_no_more(database: Database) -> None:
    with database.write() as session:
        number = make_number(session, messaging_limit=25)
        campaign = make_campaign(session, number, status=CampaignStatus.ACTIVE, launched_at=NOW)
        make_recipient(session, campaign, alice(session), source_values={"body": {"1": "Ann"}})
        lane_id = open_lane(session, number.id, "here", 1)
        ids = campaign.id, number.waba.portfolio_id
    for state in (RecipientState.QUEUED, RecipientState.QUEUED, RecipientState.REFUSED):
        with database.write() as session:
            [row] = claim_recipients(session, lane_id, first_cohort(session, ids[0]), 5, utcnow()).rows
            assert (row.is_counted, used_people(session, ids[1], utcnow())) == (True, 1)
        outcome = AttemptResult(
            row.id, row.attempt, state, utcnow(), row.person_key, row.contact_id, due_at=NOW, is_counted=row.is_counted
        )
        with database.write() as session:
            record_results(session, lane_id, *ids, [outcome])
            assert used_people(session, ids[1], utcnow()) == 0


def test_what_a_late_answer_says_of_a_message_that_was_given_up_gives_nothing_back(database: Database) -> None:
    with database.write() as session:
        number = make_number(session, messaging_limit=25)
        campaign = make_campaign(session, number, status=CampaignStatus.ACTIVE, launched_at=NOW)
        key = make_recipient(session, campaign, alice(session), source_values={"body": {"1": "Ann"}}).id
        lane_id = open_lane(session, number.id, "here", 1)
        ids = campaign.id, number.waba.portfolio_id
    with database.write() as session:
        [row] = claim_recipients(session, lane_id, first_cohort(session, ids[0]), 5, utcnow()).rows
        session.get_one(Recipient, key).state = RecipientState.UNSURE
    late = AttemptResult(
        row.id,
        row.attempt,
        RecipientState.QUEUED,
        utcnow(),
        row.person_key,
        row.contact_id,
        due_at=NOW,
        is_counted=True,
    )
    with database.write() as session:
        record_results(session, lane_id, *ids, [late])
        assert used_people(session, ids[1], utcnow()) == 1
