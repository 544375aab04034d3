"""The page of a campaign and the list of all."""

import re

import pytest

from admin.panel.campaigns.view import PARTS
from jobs.campaigns.launch import launch_campaign
from models.clock import utcnow
from models.tables.campaign import Campaign, transition
from tests.support.campaign_form import FORM
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def test_the_live_numbers_are_the_public_ones(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    answer = manager.client.get("/admin/campaigns/1/live").json
    assert answer is not None
    assert (answer["stats"]["candidates"], answer["stats"]["eligible"]) == (3, 2)
    assert set(answer["parts"]) == set(PARTS)
    assert answer["done"] is False


@pytest.mark.parametrize(("level", "limit"), [("STANDARD", "80"), ("HIGH", None), ("PHONE_APP", "20")])
def test_the_page_says_when_the_number_and_not_the_pace_is_the_limit(
    panel: Panel, manager: Visitor, level: str, limit: str | None
) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        campaign = session.get_one(Campaign, 1)
        campaign.pace_per_second = 500
        assert campaign.number is not None
        campaign.number.throughput, campaign.number.messages_per_second = level, None
    page = manager.get("/campaigns/1/")
    assert ("its number is the limit" in page, "all that its number does" in page) == (limit is not None,) * 2
    assert limit is None or f"it does {limit} a second, replies included" in page


def test_a_pause_says_why_and_what_to_do(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    with panel.rt.database.write() as session:
        transition(
            session, 1, "pause", utcnow(), pause_reason="token_refused", paused_at=utcnow(), pause_detail="190: expired"
        )
    page = manager.get("/campaigns/1/")
    assert "Meta refused the access token" in page
    assert "190: expired" in page
    assert "Meta refused the access token" in manager.get("/")


def test_lists_go_on_by_key(panel: Panel, manager: Visitor) -> None:
    now = utcnow()
    with panel.rt.database.write() as session:
        session.add_all(
            Campaign(name=f"Campaign {place}", ends_after_seconds=60, created_at=now, updated_at=now)
            for place in range(60)
        )
    first = manager.get("/campaigns/")
    assert "Campaign 59" in first
    assert ">Campaign 9<" not in first
    following = re.search(r'href="(/admin/campaigns/\?before=\d+)"', first)
    assert following
    assert ">Campaign 9<" in manager.client.get(following[1]).text
