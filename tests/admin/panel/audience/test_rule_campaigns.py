"""Past campaigns in a rule."""

from typing import Any

import pytest
from sqlalchemy import select

from models.tables.campaign import Campaign
from models.tables.segment import Segment
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_a_past_campaign_is_chosen_by_its_name(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Campaign, 1).name = "Winter"
    assert '<option value="Winter (1)">' in manager.get("/segments/new")
    for typed in ("Winter (1)", "Winter", "1"):
        rule: dict[str, Any] = {"c-0-0-on": "campaign", "c-0-0-op": "not_replied", "c-0-0-campaign": typed}
        assert "did not reply to “Winter”" in manager.post("/segments/new", name=f"Silent {typed}", **rule)
    with panel.rt.database.read() as session:
        stored = session.scalars(select(Segment.rule).where(Segment.name.startswith("Silent"))).all()
    assert [it["any"][0]["all"][0]["campaign"] for it in stored] == [1, 1, 1]
    assert 'value="Winter (1)"' in manager.get("/segments/2/edit")
    rule["c-0-0-campaign"] = "Summer (1)"
    page = manager.refused("/segments/new", name="Typo", **rule)
    assert 'value="Summer (1)"' in page
    assert "There is no launched campaign “Summer (1)”. Choose one from the list." in page
