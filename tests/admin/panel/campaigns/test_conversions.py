"""The part "Conversions" of a campaign's page, its list of orders, and the explanation on a person's page."""

from datetime import timedelta

import pytest

from models.conversions.goals import CampaignGoal
from models.tables.campaign import CampaignStatus
from models.tables.goal import GoalEvent
from models.tables.user import Role
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.contacts import alice, make_contact, make_order
from tests.support.factories.conversions import WEEK, at, attributed, campaign_with_goals, reached, refund
from tests.support.panel_app import Panel

pytestmark = pytest.mark.sqlite_only
DAY = CampaignGoal(GoalEvent.PURCHASE, 1, False)


def test_figures_are_for_everybody_and_orders_for_managers_with_why_they_belong(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        campaign = campaign_with_goals(session, DAY, WEEK)
        former = campaign_with_goals(session, name="Winter")
        person, other = alice(session), make_contact(session)
        reached(session, former, person, read=2)
        for somebody in (person, other):
            reached(session, campaign, somebody, read=3)
        order = make_order(session, person, placed_at=at(100), total=49.9, number="#1001")
        refund(session, order, 9.9)
        make_order(session, other, placed_at=at(0) + timedelta(days=2), total=7, currency="USD", number="<b>")
        make_order(session, other, placed_at=at(30), cancelled_at=at(40), number="#1003")
        attributed(session)
        ids = campaign.id, former.id, person.id
    manager, viewer = panel.of(Role.MANAGER), panel.of(Role.VIEWER)
    shown = viewer.get(f"/campaigns/{ids[0]}/")
    assert "Purchase within 1 day, without its money<br>Purchase within 7 days" in shown
    assert f"/campaigns/{ids[0]}/bought" in shown
    figures = viewer.get(f"/campaigns/{ids[0]}/bought")
    assert "100.0 % of delivered" in figures
    assert "40.00 EUR" in figures
    assert "7.00 USD" in figures
    assert "9.90 EUR" in figures
    assert "#1001" not in figures
    part = manager.get(f"/campaigns/{ids[0]}/bought")
    assert "delivered 22 Nov 2026 10:01, read 10:03, ordered 11:40" in part
    assert "ordered 24 Nov 10:00" in part
    assert "9.90 of 49.90 refunded" in part
    assert "&lt;b&gt;" in part
    assert "#1003" not in part
    orders = f"/campaigns/{ids[0]}/conversions"
    assert "#1001" in manager.get(orders)
    assert "#1001" not in manager.get(f"{orders}?model=first_touch")
    assert "read 10:02, ordered 11:40" in manager.get(f"/campaigns/{ids[1]}/conversions?model=first_touch")
    assert "No order belongs to it" in manager.get(f"/campaigns/{ids[1]}/conversions")
    place = "before=2026-11-22T11:40:00%2B00:00&order=999"
    assert "ordered 24 Nov" not in manager.get(f"{orders}?{place}")
    for changed in ("before=x&order=1", "before=2026-11-22T11:40:00&order=1", "model=none&order=x"):
        assert "ordered 24 Nov" in manager.get(f"{orders}?{changed}")
    page = manager.get(f"/contacts/{ids[2]}/")
    assert (
        f'Belongs to <a href="/admin/campaigns/{ids[0]}/">Spring</a>: delivered 22 Nov 2026 10:01, read 10:03' in page
    )
    assert "9.90 EUR refunded" in page


def test_a_campaign_without_goals_shows_nothing_and_has_no_such_pages(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        campaign_id = make_campaign(session, status=CampaignStatus.ACTIVE).id
    manager = panel.of(Role.MANAGER)
    assert "Conversions" not in manager.get(f"/campaigns/{campaign_id}/")
    manager.get(f"/campaigns/{campaign_id}/bought", 404)
    manager.get(f"/campaigns/{campaign_id}/conversions", 404)
