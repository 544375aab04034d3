"""The balance: never promised twice, and what runs stops when it is used up."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations import billing as money
from jobs.campaigns import spending as spend
from jobs.core.runtime import Runtime, use_runtime
from models.billing.amount import MICRO
from models.billing.balance import (
    Balance,
    BalanceState,
    InsufficientBalanceError,
    read_balance,
    reserve_amount,
    set_balance,
)
from models.billing.rate_cards import Price, save_card
from models.campaigns.launch import begin_launch, launch_slice
from models.campaigns.preflight import preflight
from models.config import Settings
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.stored_texts import show_stored
from models.tables.audit import Audit
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus, PauseReason, transition
from models.tables.contact import Contact
from models.tables.recipient import Recipient, RecipientState
from tests.support import factories
from tests.support.factories import NOW

SPAIN = Price("ES", "marketing", date(2026, 1, 1), MICRO)
"""One each, so that people and amounts are the same number."""


@pytest.fixture
def rt(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(Settings(database_url, redis_url, tmp_path, encryption_keys=(new_encryption_key(),)))
    with use_runtime(runtime):
        yield runtime
    runtime.close()


@pytest.fixture
def database(rt: Runtime) -> Database:
    return rt.database


def _prepare(session: Session, amount: int | None = None, prices: Sequence[Price] = (SPAIN,)) -> None:
    save_card(session, "EUR", prices, source="rates.csv", now=NOW, actor="cli")
    if amount is not None:
        set_balance(session, amount * MICRO, "EUR", NOW, "cli")


def _ready(session: Session, people: int, tag: str = "vip", **values: Any) -> Campaign:
    contacts = [factories.make_contact(session, tags={tag: None}) for _ in range(people)]
    assert len(contacts) == people
    return factories.make_campaign(session, audience={"include": [{"tag": tag}]}, **values)


def _start(database: Database, campaign_id: int, people: int) -> None:
    with database.write() as session:
        transition(session, campaign_id, "start", NOW, started_at=NOW)
        reserve_amount(session, campaign_id, {"+346": people}, NOW)


def _launch(database: Database, campaign_id: int, size: int = 20_000) -> None:
    with database.write() as session:
        token = begin_launch(session, campaign_id, NOW)
    assert token is not None
    more = True
    while more:
        with database.write() as session:
            more = launch_slice(session, campaign_id, token, NOW, size)


def _balance(database: Database) -> Balance:
    with database.read() as session:
        found = read_balance(session)
    assert found is not None
    return found


def _sums(database: Database) -> tuple[int, int, int]:
    """(charged, reserved, free) in whole units."""
    found = _balance(database)
    return found.charged // MICRO, found.reserved // MICRO, found.free // MICRO


def _rows(session: Session, campaign_id: int) -> Sequence[Recipient]:
    return session.scalars(select(Recipient).where(Recipient.campaign_id == campaign_id).order_by(Recipient.id)).all()


def _deliver(row: Recipient, **values: Any) -> None:
    row.state, row.accepted_at, row.delivered_at = RecipientState.ACCEPTED, NOW, NOW
    row.pricing_category, row.pricing_type, row.is_billable = "marketing", "regular", True
    for name, value in values.items():
        setattr(row, name, value)


def _told(database: Database, campaign_id: int) -> tuple[list[str], list[str]]:
    with database.read() as session:
        found = preflight(session, campaign_id, NOW)
    money_keys = {"budget", "price_unknown"}
    return (
        [str(check.text) for check in found.blocking if check.key in money_keys],
        [str(check.text) for check in found.warnings if check.key in money_keys],
    )


def test_two_starts_at_once_cannot_overspend(database: Database) -> None:
    with database.write() as session:
        _prepare(session, 100)
        ids = [factories.make_campaign(session).id for _ in range(8)]

    def start(campaign_id: int) -> bool:
        try:
            _start(database, campaign_id, 30)
        except InsufficientBalanceError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(start, ids))
    assert sum(started) == 3
    assert _sums(database) == (0, 90, 10)
    with database.read() as session:
        active = session.scalars(select(Campaign.id).where(Campaign.status == CampaignStatus.ACTIVE)).all()
    assert len(active) == 3, "who got nothing was not started"


def test_without_a_balance_nothing_is_refused_and_the_card_is_noted(database: Database) -> None:
    with database.write() as session:
        _prepare(session)
        campaign = _ready(session, 2)
    assert _told(database, campaign.id) == ([], [])
    _start(database, campaign.id, 2)
    with database.read() as session:
        spending = session.get_one(Spending, campaign.id)
        assert (spending.card_id, spending.category, spending.reserved) == (1, "marketing", 2 * MICRO)
        assert read_balance(session) is None


def test_what_is_held_back_becomes_the_price_of_whom_the_launch_queued(database: Database) -> None:
    with database.write() as session:
        _prepare(session, 100)
        campaign = _ready(session, 5)
        bob = factories.bob(session)
    _start(database, campaign.id, 40)
    assert _sums(database) == (0, 40, 60)
    _launch(database, campaign.id, size=2)
    assert _sums(database) == (0, 5, 95)
    with database.read() as session:
        areas = {row.contact_id: row.price_area for row in _rows(session, campaign.id)}
    assert areas.pop(bob.id) is None
    assert set(areas.values()) == {"+346"}


def test_an_audience_that_grew_beyond_the_balance_is_paused_before_anybody_is_sent_to(database: Database) -> None:
    with database.write() as session:
        _prepare(session, 5)
        campaign = _ready(session, 4)
    _start(database, campaign.id, 4)
    with database.write() as session:
        for _ in range(3):
            factories.make_contact(session)
    _launch(database, campaign.id)
    with database.read() as session:
        launched = session.get_one(Campaign, campaign.id)
    assert (launched.status, launched.pause_reason) == (CampaignStatus.PAUSED, PauseReason.BUDGET)
    assert launched.pause_detail is not None
    assert "3.00 EUR" in show_stored(launched.pause_detail)
    assert _sums(database) == (0, 7, -2)
    blocking, _ = _told(database, campaign.id)
    assert blocking == ["The balance of 5.00 EUR is used up (140 % with what is held back)."]
    with database.write() as session:
        set_balance(session, 7 * MICRO, "EUR", NOW, "cli")
    assert _told(database, campaign.id)[0] == [], "raised, it may go on"


@pytest.mark.parametrize(
    ("amount", "people", "blocks", "warns"),
    [(10, 7, False, False), (10, 8, False, True), (10, 9, False, True), (10, 10, False, True), (10, 11, True, False)],
)
def test_the_preflight_warns_from_80_per_cent_and_blocks_what_the_balance_does_not_cover(
    database: Database, amount: int, people: int, blocks: bool, warns: bool
) -> None:
    with database.write() as session:
        _prepare(session, amount)
        campaign = _ready(session, people)
    blocking, warnings = _told(database, campaign.id)
    assert (bool(blocking), bool(warnings)) == (blocks, warns)
    if warns:
        assert warnings == [f"{people * 10} % of the balance of 10.00 EUR would be charged or held back."]


def test_a_used_up_balance_blocks_also_those_whose_price_is_unknown(database: Database) -> None:
    with database.write() as session:
        _prepare(session, 1, prices=[Price("FR", "marketing", date(2026, 1, 1), MICRO)])
        campaign = _ready(session, 2)
    assert _told(database, campaign.id) == (
        [],
        ["The price of 2 of them is unknown: the balance does not guard them."],
    )
    with database.write() as session:
        set_balance(session, 0, "EUR", NOW, "cli")
    assert len(_told(database, campaign.id)[0]) == 1
    with pytest.raises(InsufficientBalanceError, match="used up"):
        _start(database, campaign.id, 2)


def test_charging_follows_what_meta_says_and_a_repeated_count_changes_nothing(rt: Runtime) -> None:
    with rt.database.write() as session:
        _prepare(session, 100)
        campaign = _ready(session, 8)
    _start(rt.database, campaign.id, 8)
    _launch(rt.database, campaign.id)
    with rt.database.write() as session:
        rows = _rows(session, campaign.id)
        _deliver(rows[0])
        _deliver(rows[1], delivered_at=None, read_at=NOW)  # only read was told
        _deliver(rows[2], pricing_type="free_customer_service", is_billable=False)
        _deliver(rows[3], pricing_category=None, pricing_type=None, is_billable=None)  # not priced yet
        _deliver(rows[4], delivered_at=None, failed_at=NOW)
        rows[5].state, rows[5].failed_at = RecipientState.REFUSED, NOW
        rows[6].state, rows[6].unsure_at = RecipientState.UNSURE, NOW
    assert spend.recount_spending(rt, NOW) == [campaign.id]
    assert _sums(rt.database) == (2, 3, 95)
    assert _balance(rt.database).leaving == 2 * MICRO
    for _ in range(2):
        assert spend.recount_spending(rt, NOW) == [], "nothing drifts"
    with rt.database.write() as session:
        campaign = session.get_one(Campaign, campaign.id)
        transition(session, campaign.id, "end", NOW, ended_at=NOW)
    spend.recount_spending(rt, NOW + timedelta(days=30))
    assert _sums(rt.database) == (2, 0, 98), "nothing is held back for ever"


def test_a_new_balance_counts_from_when_it_is_set(rt: Runtime) -> None:
    with rt.database.write() as session:
        _prepare(session, 10)
        campaign = _ready(session, 4)
    _start(rt.database, campaign.id, 4)
    _launch(rt.database, campaign.id)
    with rt.database.write() as session:
        first, second, *_ = _rows(session, campaign.id)
        _deliver(first)
        _deliver(second)
    shown = money.set_budget(rt, "20", "EUR", "ana@example.com")
    assert shown == {
        "is_on": True,
        "currency": "EUR",
        "amount": "20.00",
        "charged": "0.00",
        "reserved": "2.00",
        "free": "18.00",
        "used_pct": 10.0,
        "state": "ok",
    }
    money.turn_budget_off(rt, "ana@example.com")
    assert money.show_budget(rt) == {"is_on": False}


def test_a_person_who_is_redacted_or_moves_is_billed_as_before(rt: Runtime) -> None:
    with rt.database.write() as session:
        _prepare(session, 10)
        campaign = _ready(session, 1)
    _start(rt.database, campaign.id, 1)
    _launch(rt.database, campaign.id)
    with rt.database.write() as session:
        (row,) = _rows(session, campaign.id)
        _deliver(row)
        contact = session.get_one(Contact, row.contact_id)
        contact.phone, contact.wa_id, contact.country = None, "447700900000", "GB"
    spend.recount_spending(rt, NOW)
    assert _sums(rt.database) == (1, 0, 9)


def test_a_price_that_changes_while_a_campaign_runs_is_that_of_the_day_of_delivery(rt: Runtime) -> None:
    day = (NOW + timedelta(days=1)).date()
    with rt.database.write() as session:
        later = [Price("ES", "marketing", day, 3 * MICRO), Price("ES", "utility", date(2026, 1, 1), 7 * MICRO)]
        _prepare(session, 100, prices=[SPAIN, *later])
        campaign = _ready(session, 4)
    _start(rt.database, campaign.id, 4)
    _launch(rt.database, campaign.id)
    with rt.database.write() as session:
        _prepare(session, prices=[Price("ES", "marketing", date(2026, 1, 1), 50 * MICRO)])  # a card for later campaigns
        rows = _rows(session, campaign.id)
        _deliver(rows[0])
        _deliver(rows[1], delivered_at=NOW + timedelta(days=1))
        _deliver(rows[2], pricing_category="utility")
        _deliver(rows[3], pricing_category="marketing_lite")  # the card does not know it
    spend.recount_spending(rt, NOW)
    assert _sums(rt.database)[:2] == (1 + 3 + 7, 0)
    with rt.database.read() as session:
        spending = session.get_one(Spending, campaign.id)
    assert (spending.eligible, spending.billed, spending.unpriced) == (4, 4, 1)


def test_what_runs_is_paused_when_the_balance_is_used_up(rt: Runtime) -> None:
    with rt.database.write() as session:
        _prepare(session, 100)
        running = _ready(session, 10, pace_per_second=0.001)
        other = factories.make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
    _start(rt.database, running.id, 10)
    _launch(rt.database, running.id)
    with rt.database.write() as session:
        set_balance(session, 5 * MICRO, "EUR", NOW, "cli")  # lowered below what is held back
    spend.watch_spending(rt, NOW)
    assert _statuses(rt, running.id, other.id) == [CampaignStatus.ACTIVE] * 2, "nothing is used yet"
    with rt.database.write() as session:
        for row in _rows(session, running.id)[:3]:
            _deliver(row)
        for row in _rows(session, running.id)[3:5]:
            row.state, row.accepted_at = RecipientState.ACCEPTED, NOW  # on their way: they cannot be taken back
    spend.recount_spending(rt, NOW)
    spend.watch_spending(rt, NOW)
    assert _statuses(rt, running.id, other.id) == [CampaignStatus.PAUSED] * 2
    with rt.database.read() as session:
        paused = session.get_one(Campaign, running.id)
        marks = [audit.detail["pct"] for audit in session.scalars(select(Audit).where(Audit.action == "balance used"))]
    assert paused.pause_reason is PauseReason.BUDGET
    assert show_stored(paused.pause_detail) == "The balance of 5.00 EUR is used up. Raise it, then resume."
    assert marks == [100], "told once"


def test_marks_are_told_once_each(rt: Runtime) -> None:
    with rt.database.write() as session:
        _prepare(session, 20)
        campaign = _ready(session, 17)
    _start(rt.database, campaign.id, 17)
    for _ in range(2):
        spend.watch_spending(rt, NOW)
    with rt.database.read() as session:
        marks = [audit.detail["pct"] for audit in session.scalars(select(Audit).where(Audit.action == "balance used"))]
    assert marks == [80]
    assert _balance(rt.database).state is BalanceState.OVER_80
    assert money.budget_notice(rt) == ("85 % of the balance of 20.00 EUR is charged or held back; 3.00 EUR are free.")


def _statuses(rt: Runtime, *campaign_ids: int) -> list[CampaignStatus]:
    with rt.database.read() as session:
        return [session.get_one(Campaign, campaign_id).status for campaign_id in campaign_ids]
