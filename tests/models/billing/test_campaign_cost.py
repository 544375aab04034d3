"""What a campaign has cost so far, and for each person: unknown is null and never 0, currencies stay apart."""

from datetime import date, timedelta

from sqlalchemy import select

from jobs.campaigns.spending import recount_campaigns, recount_spending
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO
from models.billing.campaign_cost import CampaignCost, campaign_costs, cost_figures
from models.billing.rate_cards import Price
from models.campaigns.stats import campaign_stats
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.charge import CampaignCharge
from tests.support.billing_rig import SPAIN, deliver, prepare_balance, rows_of
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

PEOPLE = 5


def _launched(rt: Runtime, *, has_card: bool = True) -> int:
    with rt.database.write() as session:
        if has_card:
            prepare_balance(session, prices=[SPAIN, Price("ES", "utility", date(2026, 1, 1), MICRO // 3)])
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
        card_id = 1 if has_card else None
        session.add(Spending(campaign_id=campaign.id, card_id=card_id, category="marketing", priced_at=NOW))
        for _ in range(PEOPLE):
            make_recipient(session, campaign, make_contact(session), price_area="+346")
        return campaign.id


def _cost(rt: Runtime, campaign_id: int) -> CampaignCost:
    recount_campaigns(rt, campaign_id, NOW)
    with rt.database.read() as session:
        return campaign_costs(session, [campaign_id])[campaign_id]


def test_a_cost_is_that_of_the_known_prices_and_null_where_none_is_known(rt: Runtime) -> None:
    campaign_id = _launched(rt)
    with rt.database.read() as session:
        never_counted = campaign_costs(session, [campaign_id, 999])
    assert [cost.to_json() for cost in never_counted.values()] == [None, None]
    assert _cost(rt, campaign_id).to_json() == {"amount": "0.00", "currency": "EUR"}, (
        "counted: nothing was billed so far"
    )
    with rt.database.write() as session:
        deliver(rows_of(session, campaign_id)[0], price_area="FR+336")
    unknown = _cost(rt, campaign_id)
    assert (unknown.to_json(), unknown.per(1), unknown.billed, unknown.unknown) == (None, None, 1, 1)
    with rt.database.write() as session:
        for row in rows_of(session, campaign_id)[1:4]:
            deliver(row)
        rows_of(session, campaign_id)[3].pricing_category = "UTILITY"
    cost = _cost(rt, campaign_id)
    assert cost.amounts == {"EUR": 2 * MICRO + MICRO // 3}
    assert (cost.billed, cost.unknown, cost.is_complete) == (4, 1, False)
    figures = cost_figures(cost, {"delivered": 4, "read": 0, "replied": 3})
    assert figures["cost"] == {"amount": "2.333333", "currency": "EUR"}
    assert figures["cost_per_delivered"] == {"amount": "0.583333", "currency": "EUR"}
    assert figures["cost_per_read"] is None
    assert figures["cost_per_reply"] == {"amount": "0.777778", "currency": "EUR"}
    assert figures["cost_unknown"] == 1
    with rt.database.read() as session:
        stats = campaign_stats(session, campaign_id)
    assert (stats["cost"], stats["cost_per_reply"], stats["replied"]) == (figures["cost"], None, 0)


def test_currencies_stand_apart_and_what_meta_names_is_known_without_a_rate_card(rt: Runtime) -> None:
    campaign_id = _launched(rt, has_card=False)
    with rt.database.write() as session:
        first, second, *_ = rows_of(session, campaign_id)
        deliver(first, cost=35_000, cost_currency="USD")
        deliver(second)
    cost = _cost(rt, campaign_id)
    assert (cost.to_json(), cost.billed, cost.unknown) == ({"amount": "0.035", "currency": "USD"}, 2, 1)
    with rt.database.write() as session:
        deliver(rows_of(session, campaign_id)[2], cost=20_000, cost_currency="EUR")
    both = _cost(rt, campaign_id)
    assert (both.to_json(), both.per(2)) == (None, None)
    assert both.all_to_json() == [{"amount": "0.02", "currency": "EUR"}, {"amount": "0.035", "currency": "USD"}]


def test_charges_lie_in_the_month_of_the_delivery_and_a_late_count_replaces_nothing(rt: Runtime) -> None:
    campaign_id = _launched(rt)
    with rt.database.write() as session:
        for row, at in zip(rows_of(session, campaign_id), (NOW, NOW + timedelta(days=15)), strict=False):
            deliver(row, delivered_at=at)
    assert recount_campaigns(rt, campaign_id, NOW + timedelta(days=16)) is True
    assert recount_campaigns(rt, campaign_id, NOW + timedelta(days=16)) is False
    with rt.database.write() as session:
        rows = session.scalars(select(CampaignCharge).order_by(CampaignCharge.month)).all()
        assert [(row.month, row.country, row.category, row.messages, row.charged) for row in rows] == [
            (date(2026, 11, 1), "ES", "marketing", 1, MICRO),
            (date(2026, 12, 1), "ES", "marketing", 1, MICRO),
        ]
        session.delete(rows[0])
    assert recount_spending(rt, NOW + timedelta(days=16)) == [campaign_id], "a line that is missing is made again"


def test_a_campaign_of_which_rows_may_be_purged_keeps_what_was_counted(rt: Runtime) -> None:
    campaign_id = _launched(rt)
    with rt.database.write() as session:
        deliver(rows_of(session, campaign_id)[0])
    recount_campaigns(rt, campaign_id, NOW)
    with rt.database.write() as session:
        spending = session.get_one(Spending, campaign_id)
        session.get_one(Campaign, campaign_id).deleted_at = NOW
        for row in rows_of(session, campaign_id):
            session.delete(row)
        assert spending.charged == MICRO
    assert recount_spending(rt, NOW + timedelta(days=31)) == []
