"""A template with a maximum price: estimate, balance and what is held back go by it, also where it is above the rate card."""

import pytest

from models.billing.amount import MICRO
from models.billing.balance import InsufficientBalanceError, reserve_amount
from models.billing.estimate import estimate_cost
from models.billing.price_cap import PriceCap
from models.billing.spending import count_spent
from models.campaigns.maximum_price import UNKNOWN_CAP, campaign_price_cap
from models.db.engine import Database
from models.tables.billing import Spending
from models.tables.campaign import CampaignStatus
from models.tables.number import Number
from tests.support.billing_rig import balance_of, deliver, launch_whole, make_ready, prepare_balance, rows_of
from tests.support.factories.common import NOW

pytestmark = pytest.mark.sqlite_unless_proved
TWO = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 200_000}
"""Two each: 200 cents for a delivery, times a thousand."""


def test_what_may_be_charged_is_the_maximum_price_and_not_the_card_s(database: Database) -> None:
    with database.write() as session:
        prepare_balance(session, 5)
        campaign = make_ready(session, 3)
        template, number = campaign.template, campaign.number
        assert template is not None
        assert number is not None
        template.category, template.optimization_spec, number.marketing_api = "MARKETING", TWO, True
        number.waba.currency = "EUR"
        cap = campaign_price_cap(session, campaign)
        assert cap == PriceCap("EUR", 2 * MICRO)
        areas: dict[str | None, int] = {"+346": 2, "FR+336": 1}
        estimate = estimate_cost(session, "marketing", areas, NOW, cap)
        assert (estimate.high, estimate.unknown_people) == (6 * MICRO, 0)
        assert estimate.to_json()["max_price"] == {"amount": "2.00", "currency": "EUR"}
        assert estimate_cost(session, "marketing", areas, NOW).high == 2 * MICRO
        campaign_id = campaign.id
        with pytest.raises(InsufficientBalanceError, match="6"):
            reserve_amount(session, campaign_id, areas, NOW, cap)
        campaign.max_price, campaign.max_price_currency = MICRO * 3 // 2, "EUR"
        scaled = campaign_price_cap(session, campaign)
        assert scaled == PriceCap("EUR", MICRO * 3 // 2)
        campaign.status = CampaignStatus.ACTIVE
        reserve_amount(session, campaign_id, {"+346": 3}, NOW, scaled)
    assert balance_of(database).reserved == 4_500_000
    launch_whole(database, campaign_id)
    assert balance_of(database).reserved == 4_500_000, "the launch goes by the same price"
    with database.write() as session:
        deliver(
            rows_of(session, campaign_id)[0], cost=1_250_000, cost_currency="EUR", pricing_category="marketing_lite"
        )
        session.flush()
        spent = count_spent(session, session.get_one(Spending, campaign_id), None, NOW)
    assert (spent.charged, spent.reserved) == (1_250_000, 3_000_000)


def test_a_maximum_in_another_currency_is_unknown_and_one_without_a_card_is_known(database: Database) -> None:
    with database.write() as session:
        campaign = make_ready(session, 1)
        template, number = campaign.template, campaign.number
        assert template is not None
        assert isinstance(number, Number)
        template.category, template.optimization_spec, number.marketing_api = "MARKETING", TWO, True
        assert campaign_price_cap(session, campaign) == UNKNOWN_CAP, "in which currency Meta bills is not known"
        number.waba.currency = "USD"
        cap = campaign_price_cap(session, campaign)
        without_card = estimate_cost(session, "marketing", {"+346": 1}, NOW, cap)
        assert (without_card.high, without_card.currency) == (2 * MICRO, "USD")
        prepare_balance(session)
        in_euros = estimate_cost(session, "marketing", {"+346": 1}, NOW, cap)
        assert (in_euros.high, in_euros.unknown_people, in_euros.currency) == (0, 1, "EUR")
        template.category = "UTILITY"
        assert campaign_price_cap(session, campaign) is None
