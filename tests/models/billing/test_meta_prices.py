"""What Meta itself says that a campaign's messages cost."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from admin.operations.billing import estimate_campaign
from jobs.campaigns.spending import recount_spending, watch_spending
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO
from models.billing.known_sums import known_sums
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus
from tests.support.billing_rig import deliver, launch_whole, make_ready, prepare_balance, rows_of, start_one, sums_of
from tests.support.factories.common import NOW

LITE: dict[str, Any] = {"pricing_category": "marketing_lite", "cost": 350_000, "cost_currency": "EUR"}
NOTHING: dict[str, Any] = {"pricing_category": None, "pricing_type": None, "is_billable": None}


def launched(rt: Runtime, people: int) -> int:
    with rt.database.write() as session:
        prepare_balance(session, 100)
        campaign = make_ready(session, people)
    start_one(rt.database, campaign.id, people)
    launch_whole(rt.database, campaign.id)
    return campaign.id


def spending_of(session: Session, campaign_id: int) -> Spending:
    return session.get_one(Spending, campaign_id)


def test_the_cost_that_meta_names_is_what_it_cost_and_another_currency_is_unknown(rt: Runtime) -> None:
    campaign_id = launched(rt, 5)
    with rt.database.write() as session:
        rows = rows_of(session, campaign_id)
        deliver(rows[0])
        deliver(rows[1], **LITE)
        deliver(rows[2], **LITE)
        deliver(rows[3], **LITE | {"cost_currency": "USD"})
        deliver(rows[4], **LITE, pricing_type="free_entry_point")
    recount_spending(rt, NOW)
    with rt.database.read() as session:
        spending = spending_of(session, campaign_id)
    assert (spending.charged, spending.billed, spending.unpriced) == (MICRO + 700_000, 4, 1)
    groups = estimate_campaign(rt, campaign_id)["prices"]
    assert [(group["type"], group["people"], group["cost"], group["currency"]) for group in groups] == [
        ("regular", 2, "0.70", "EUR"),
        ("regular", 1, None, None),
        ("free_entry_point", 1, "0.35", "EUR"),
        ("regular", 1, "0.35", "USD"),
    ]


def test_delivered_without_a_price_is_held_back_told_apart_and_never_0(rt: Runtime) -> None:
    campaign_id = launched(rt, 1)
    with rt.database.write() as session:
        deliver(rows_of(session, campaign_id)[0], **NOTHING)
    recount_spending(rt, NOW)
    spent = estimate_campaign(rt, campaign_id)["spent"]
    assert (spent["charged"], spent["reserved"], spent["untold"]) == (None, "1.00", 1)
    with rt.database.write() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status, campaign.ended_at = CampaignStatus.ENDED, NOW
        campaign.launched_at = NOW
    with rt.database.read() as session:
        assert known_sums(session, spending_of(session, campaign_id)).charged is None
    assert sums_of(rt.database)[0] == 0


def test_what_an_older_version_counted_is_counted_again_by_itself(rt: Runtime) -> None:
    campaign_id = launched(rt, 1)
    with rt.database.write() as session:
        deliver(rows_of(session, campaign_id)[0], **NOTHING)
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status, campaign.ended_at, campaign.launched_at = CampaignStatus.ENDED, NOW - timedelta(days=90), NOW
        spending = spending_of(session, campaign_id)
        spending.reserved, spending.counted_at, spending.untold = 0, NOW, None
    assert estimate_campaign(rt, campaign_id)["spent"]["charged"] is None, "0.00 would be a guess"
    watch_spending(rt, NOW)
    spent = estimate_campaign(rt, campaign_id)["spent"]
    assert (spent["charged"], spent["untold"]) == (None, 1)


def test_the_groups_tell_utility_free_entry_points_and_silence_apart(rt: Runtime) -> None:
    campaign_id = launched(rt, 4)
    with rt.database.write() as session:
        rows = rows_of(session, campaign_id)
        deliver(rows[0], pricing_category="utility")
        deliver(rows[1], pricing_category="utility", pricing_type="free_customer_service", is_billable=False)
        deliver(rows[2], pricing_category="referral_conversion", pricing_type="free_entry_point", is_billable=False)
        deliver(rows[3], **NOTHING)
    groups = estimate_campaign(rt, campaign_id)["prices"]
    assert [(group["category"], group["type"], group["is_billed"]) for group in groups] == [
        (None, None, None),
        ("referral_conversion", "free_entry_point", False),
        ("utility", "free_customer_service", False),
        ("utility", "regular", True),
    ]
