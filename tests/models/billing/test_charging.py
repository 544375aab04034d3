"""What is charged as messages are delivered, and what happens when the balance is used up."""

from datetime import date, timedelta

from sqlalchemy import select

from admin.operations import billing as money
from jobs.campaigns import spending as spend
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO
from models.billing.balance import (
    BalanceState,
    set_balance,
)
from models.billing.rate_cards import Price
from models.stored_texts import show_stored
from models.tables.audit import Audit
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus, PauseReason, transition
from models.tables.contact import Contact
from models.tables.recipient import RecipientState
from tests.support.billing_rig import (
    SPAIN,
    balance_of,
    deliver,
    launch_whole,
    make_ready,
    prepare_balance,
    rows_of,
    start_one,
    statuses_of,
    sums_of,
)
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW


def test_charging_follows_what_meta_says_and_a_repeated_count_changes_nothing(rt: Runtime) -> None:
    with rt.database.write() as session:
        prepare_balance(session, 100)
        campaign = make_ready(session, 8)
    start_one(rt.database, campaign.id, 8)
    launch_whole(rt.database, campaign.id)
    with rt.database.write() as session:
        rows = rows_of(session, campaign.id)
        deliver(rows[0])
        deliver(rows[1], delivered_at=None, read_at=NOW)  # only read was told
        deliver(rows[2], pricing_type="free_customer_service", is_billable=False)
        deliver(rows[3], pricing_category=None, pricing_type=None, is_billable=None)  # not priced yet
        deliver(rows[4], delivered_at=None, failed_at=NOW)
        rows[5].state, rows[5].failed_at = RecipientState.REFUSED, NOW
        rows[6].state, rows[6].unsure_at = RecipientState.UNSURE, NOW
    assert spend.recount_spending(rt, NOW) == [campaign.id]
    assert sums_of(rt.database) == (2, 3, 95)
    assert balance_of(rt.database).leaving == 2 * MICRO
    for _ in range(2):
        assert spend.recount_spending(rt, NOW) == [], "nothing drifts"
    with rt.database.write() as session:
        campaign = session.get_one(Campaign, campaign.id)
        transition(session, campaign.id, "end", NOW, ended_at=NOW)
    spend.recount_spending(rt, NOW + timedelta(days=30))
    assert sums_of(rt.database) == (2, 0, 98), "nothing is held back for ever"


def test_a_new_balance_counts_from_when_it_is_set(rt: Runtime) -> None:
    with rt.database.write() as session:
        prepare_balance(session, 10)
        campaign = make_ready(session, 4)
    start_one(rt.database, campaign.id, 4)
    launch_whole(rt.database, campaign.id)
    with rt.database.write() as session:
        first, second, *_ = rows_of(session, campaign.id)
        deliver(first)
        deliver(second)
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
        prepare_balance(session, 10)
        campaign = make_ready(session, 1)
    start_one(rt.database, campaign.id, 1)
    launch_whole(rt.database, campaign.id)
    with rt.database.write() as session:
        (row,) = rows_of(session, campaign.id)
        deliver(row)
        contact = session.get_one(Contact, row.contact_id)
        contact.phone, contact.wa_id, contact.country = None, "447700900000", "GB"
    spend.recount_spending(rt, NOW)
    assert sums_of(rt.database) == (1, 0, 9)


def test_a_price_that_changes_while_a_campaign_runs_is_that_of_the_day_of_delivery(rt: Runtime) -> None:
    day = (NOW + timedelta(days=1)).date()
    with rt.database.write() as session:
        later = [Price("ES", "marketing", day, 3 * MICRO), Price("ES", "utility", date(2026, 1, 1), 7 * MICRO)]
        prepare_balance(session, 100, prices=[SPAIN, *later])
        campaign = make_ready(session, 4)
    start_one(rt.database, campaign.id, 4)
    launch_whole(rt.database, campaign.id)
    with rt.database.write() as session:
        prepare_balance(
            session, prices=[Price("ES", "marketing", date(2026, 1, 1), 50 * MICRO)]
        )  # a card for later campaigns
        rows = rows_of(session, campaign.id)
        deliver(rows[0])
        deliver(rows[1], delivered_at=NOW + timedelta(days=1))
        deliver(rows[2], pricing_category="utility")
        deliver(rows[3], pricing_category="group_marketing")  # the card does not know it
    spend.recount_spending(rt, NOW)
    assert sums_of(rt.database)[:2] == (1 + 3 + 7, 0)
    with rt.database.read() as session:
        spending = session.get_one(Spending, campaign.id)
    assert (spending.eligible, spending.billed, spending.unpriced) == (4, 4, 1)


def test_what_runs_is_paused_when_the_balance_is_used_up(rt: Runtime) -> None:
    with rt.database.write() as session:
        prepare_balance(session, 100)
        running = make_ready(session, 10, pace_per_second=0.001)
        other = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
    start_one(rt.database, running.id, 10)
    launch_whole(rt.database, running.id)
    with rt.database.write() as session:
        set_balance(session, 5 * MICRO, "EUR", NOW, "cli")  # lowered below what is held back
    spend.watch_spending(rt, NOW)
    assert statuses_of(rt, running.id, other.id) == [CampaignStatus.ACTIVE] * 2, "nothing is used yet"
    with rt.database.write() as session:
        for row in rows_of(session, running.id)[:3]:
            deliver(row)
        for row in rows_of(session, running.id)[3:5]:
            row.state, row.accepted_at = RecipientState.ACCEPTED, NOW  # on their way: they cannot be taken back
    spend.recount_spending(rt, NOW)
    spend.watch_spending(rt, NOW)
    assert statuses_of(rt, running.id, other.id) == [CampaignStatus.PAUSED] * 2
    with rt.database.read() as session:
        paused = session.get_one(Campaign, running.id)
        marks = [audit.detail["pct"] for audit in session.scalars(select(Audit).where(Audit.action == "balance_used"))]
    assert paused.pause_reason is PauseReason.BUDGET
    assert show_stored(paused.pause_detail) == "The balance of 5.00 EUR is used up. Raise it, then resume."
    assert marks == [100], "told once"


def test_marks_are_told_once_each(rt: Runtime) -> None:
    with rt.database.write() as session:
        prepare_balance(session, 20)
        campaign = make_ready(session, 17)
    start_one(rt.database, campaign.id, 17)
    for _ in range(2):
        spend.watch_spending(rt, NOW)
    with rt.database.read() as session:
        marks = [audit.detail["pct"] for audit in session.scalars(select(Audit).where(Audit.action == "balance_used"))]
    assert marks == [80]
    assert balance_of(rt.database).state is BalanceState.OVER_80
    assert money.budget_notice(rt) == ("85 % of the balance of 20.00 EUR is charged or held back; 3.00 EUR are free.")
