"""The balance: never promised twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select

from models.billing.amount import MICRO
from models.billing.balance import (
    InsufficientBalanceError,
    read_balance,
    set_balance,
)
from models.billing.rate_cards import Price
from models.db.engine import Database
from models.stored_texts import show_stored
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from tests.support.billing_rig import (
    launch_whole,
    make_ready,
    preflight_keys,
    prepare_balance,
    rows_of,
    start_one,
    sums_of,
)
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import bob as make_bob
from tests.support.factories.contacts import make_contact


@pytest.mark.race
def test_two_starts_at_once_cannot_overspend(database: Database) -> None:
    with database.write() as session:
        prepare_balance(session, 100)
        ids = [make_campaign(session).id for _ in range(8)]

    def start(campaign_id: int) -> bool:
        try:
            start_one(database, campaign_id, 30)
        except InsufficientBalanceError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(start, ids))
    assert sum(started) == 3
    assert sums_of(database) == (0, 90, 10)
    with database.read() as session:
        active = session.scalars(select(Campaign.id).where(Campaign.status == CampaignStatus.ACTIVE)).all()
    assert len(active) == 3, "who got nothing was not started"


def test_without_a_balance_nothing_is_refused_and_the_card_is_noted(database: Database) -> None:
    with database.write() as session:
        prepare_balance(session)
        campaign = make_ready(session, 2)
    assert preflight_keys(database, campaign.id) == ([], [])
    start_one(database, campaign.id, 2)
    with database.read() as session:
        spending = session.get_one(Spending, campaign.id)
        assert (spending.card_id, spending.category, spending.reserved) == (1, "marketing", 2 * MICRO)
        assert read_balance(session) is None


def test_what_is_held_back_becomes_the_price_of_whom_the_launch_queued(database: Database) -> None:
    with database.write() as session:
        prepare_balance(session, 100)
        campaign = make_ready(session, 5)
        bob = make_bob(session)
    start_one(database, campaign.id, 40)
    assert sums_of(database) == (0, 40, 60)
    launch_whole(database, campaign.id, size=2)
    assert sums_of(database) == (0, 5, 95)
    with database.read() as session:
        areas = {row.contact_id: row.price_area for row in rows_of(session, campaign.id)}
    assert areas.pop(bob.id) is None
    assert set(areas.values()) == {"+346"}


def test_an_audience_that_grew_beyond_the_balance_is_paused_before_anybody_is_sent_to(database: Database) -> None:
    with database.write() as session:
        prepare_balance(session, 5)
        campaign = make_ready(session, 4)
    start_one(database, campaign.id, 4)
    with database.write() as session:
        for _ in range(3):
            make_contact(session)
    launch_whole(database, campaign.id)
    with database.read() as session:
        launched = session.get_one(Campaign, campaign.id)
    assert (launched.status, launched.pause_reason) == (CampaignStatus.PAUSED, PauseReason.BUDGET)
    assert launched.pause_detail is not None
    assert "3.00 EUR" in show_stored(launched.pause_detail)
    assert sums_of(database) == (0, 7, -2)
    blocking, _ = preflight_keys(database, campaign.id)
    assert blocking == ["The balance of 5.00 EUR is used up (140 % with what is held back)."]
    with database.write() as session:
        set_balance(session, 7 * MICRO, "EUR", NOW, "cli")
    assert preflight_keys(database, campaign.id)[0] == [], "raised, it may go on"


@pytest.mark.parametrize(
    ("amount", "people", "blocks", "warns"),
    [(10, 7, False, False), (10, 8, False, True), (10, 9, False, True), (10, 10, False, True), (10, 11, True, False)],
)
def test_the_preflight_warns_from_80_per_cent_and_blocks_what_the_balance_does_not_cover(
    database: Database, amount: int, people: int, blocks: bool, warns: bool
) -> None:
    with database.write() as session:
        prepare_balance(session, amount)
        campaign = make_ready(session, people)
    blocking, warnings = preflight_keys(database, campaign.id)
    assert (bool(blocking), bool(warnings)) == (blocks, warns)
    if warns:
        assert warnings == [f"{people * 10} % of the balance of 10.00 EUR would be charged or held back."]


def test_a_used_up_balance_blocks_also_those_whose_price_is_unknown(database: Database) -> None:
    with database.write() as session:
        prepare_balance(session, 1, prices=[Price("FR", "marketing", date(2026, 1, 1), MICRO)])
        campaign = make_ready(session, 2)
    assert preflight_keys(database, campaign.id) == (
        [],
        ["The price of 2 of them is unknown: the balance does not guard them."],
    )
    with database.write() as session:
        set_balance(session, 0, "EUR", NOW, "cli")
    assert len(preflight_keys(database, campaign.id)[0]) == 1
    with pytest.raises(InsufficientBalanceError, match="used up"):
        start_one(database, campaign.id, 2)
