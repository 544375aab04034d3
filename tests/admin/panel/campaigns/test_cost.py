"""The cost box of a campaign: live, and unknown where it is unknown."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from admin.operations.billing import estimate_campaign, recent_spending
from jobs.campaigns.spending import recount_spending
from models.billing.amount import MICRO
from models.billing.rate_cards import Price, save_card
from models.clock import utcnow
from models.tables.billing import Spending
from models.tables.campaign import CampaignOutcome, CampaignStatus, transition
from models.tables.recipient import RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, Visitor, said

pytestmark = pytest.mark.sqlite_only

NOW = utcnow()
SINCE = date(2026, 1, 1)
BILLED = {
    "state": RecipientState.ACCEPTED, "accepted_at": NOW, "delivered_at": NOW, "is_billable": True,
    "pricing_type": "regular", "pricing_category": "marketing",
}  # fmt: skip
WAITING = {"state": RecipientState.QUEUED}
SPAIN, NOWHERE = "+346", "+447"


def _started(panel: Panel, prices: Sequence[Price], *rows: dict[str, Any]) -> int:
    with panel.rt.database.write() as session:
        card_id = save_card(session, "EUR", prices, source="rates.csv", now=NOW, actor="cli") if prices else None
        campaign = make_campaign(
            session, status=CampaignStatus.ACTIVE, outcome=CampaignOutcome.SENDING, launched_at=NOW, now=NOW
        )
        for row in rows:
            make_recipient(session, campaign, make_contact(session, now=NOW), now=NOW, **row)
        session.add(Spending(campaign_id=campaign.id, card_id=card_id, category="marketing", priced_at=NOW))
        return campaign.id


def _price(country: str, amount: int) -> Price:
    return Price(country, "marketing", SINCE, amount)


def _sums(panel: Panel, campaign_id: int) -> tuple[str | None, str | None]:
    spent = estimate_campaign(panel.rt, campaign_id)["spent"]
    listed = recent_spending(panel.rt)[0]
    assert (listed["charged"], listed["reserved"]) == (spent["charged"], spent["reserved"])
    return spent["charged"], spent["reserved"]


@pytest.mark.parametrize(
    ("prices", "rows", "sums"),
    [
        ([_price("ES", MICRO)], [BILLED | {"price_area": SPAIN}], ("1.00", "0.00")),
        ([_price("ES", MICRO)], [BILLED | {"price_area": NOWHERE}], (None, "0.00")),
        ([_price("ES", MICRO)], [WAITING | {"price_area": NOWHERE}], ("0.00", None)),
        ([_price("ES", MICRO)], [WAITING | {"price_area": None}], ("0.00", None)),
        ([_price("ES", MICRO)], [WAITING | {"price_area": SPAIN}], ("0.00", "1.00")),
        ([_price("ES", 0)], [WAITING | {"price_area": SPAIN}], ("0.00", "0.00")),
        ([_price("ES", 0)], [BILLED | {"price_area": SPAIN}], ("0.00", "0.00")),
        ([_price("ES", MICRO)], [BILLED | {"price_area": place} for place in (SPAIN, NOWHERE)], ("1.00", "0.00")),
        ([], [BILLED | {"price_area": SPAIN}], (None, None)),
    ],
)
def test_a_sum_of_unknown_prices_is_unknown_and_not_0(
    prices: list[Price], rows: list[dict[str, Any]], sums: tuple[str | None, str | None], panel: Panel
) -> None:
    campaign_id = _started(panel, prices, *rows)
    recount_spending(panel.rt, NOW)
    assert _sums(panel, campaign_id) == sums


def test_what_nobody_has_counted_yet_is_not_0(panel: Panel, manager: Visitor) -> None:
    campaign_id = _started(panel, [_price("ES", MICRO)], WAITING | {"price_area": SPAIN})
    assert _sums(panel, campaign_id) == (None, None)
    page = said(manager.get(f"/campaigns/{campaign_id}/cost"))
    assert "So far not counted yet Held back unknown" in page


def test_the_pages_say_unknown_for_unknown_prices(panel: Panel, manager: Visitor) -> None:
    campaign_id = _started(panel, [_price("ES", MICRO)], BILLED | {"price_area": NOWHERE})
    recount_spending(panel.rt, NOW)
    assert "So far unknown, for 1 person Held back 0.00 EUR" in said(manager.get(f"/campaigns/{campaign_id}/cost"))
    assert "1 at an unknown price unknown 0.00 EUR" in said(manager.get("/money/"))


def test_a_campaign_whose_cost_nobody_kept_is_unknown_and_not_estimated_anew(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        save_card(session, "EUR", [_price("ES", MICRO)], source="rates.csv", now=NOW, actor="cli")
        make_contact(session, now=NOW)
        campaign = make_campaign(session, status=CampaignStatus.ENDED, launched_at=NOW, ended_at=NOW, now=NOW)
    assert said(manager.get(f"/campaigns/{campaign.id}/cost")).strip() == "Cost Unknown: it cannot be estimated."


def test_once_everything_is_charged_no_estimate_stands_beside_it(panel: Panel, manager: Visitor) -> None:
    campaign_id = _started(panel, [_price("ES", MICRO)], BILLED | {"price_area": SPAIN})
    recount_spending(panel.rt, NOW)
    assert "Expected" in said(manager.get(f"/campaigns/{campaign_id}/cost"))
    with panel.rt.database.write() as session:
        transition(session, campaign_id, "end", NOW, ended_at=NOW)
    page = said(manager.get(f"/campaigns/{campaign_id}/cost"))
    assert "So far 1.00 EUR for 1 person Held back 0.00 EUR" in page
    assert "Expected" not in page


def test_the_cost_box_is_live(panel: Panel, manager: Visitor) -> None:
    campaign_id = _started(panel, [_price("ES", MICRO)], BILLED | {"price_area": SPAIN})

    def part() -> str:
        answer = manager.client.get(f"/admin/campaigns/{campaign_id}/live").json
        assert answer is not None
        return said(answer["parts"]["cost"])

    assert "So far not counted yet" in part()
    recount_spending(panel.rt, NOW)
    assert "So far 1.00 EUR for 1 person" in part()
    assert 'data-part="cost"' in manager.get(f"/campaigns/{campaign_id}/")
