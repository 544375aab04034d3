"""Goals in the form of a campaign."""

import re

import pytest

from admin.panel.campaigns.goal_fields import goals_shown, read_goals
from models.conversions.goals import goals_of
from tests.support.campaign_form import FORM, campaign
from tests.support.panel_app import Panel, Visitor


def test_rows_without_days_are_no_goals() -> None:
    form = {"goal_days_0": "", "goal_days_1": " 7 ", "goal_value_1": "0", "goal_days_2": "week"}
    assert read_goals(form) == [
        {"event": "purchase", "within_days": 7, "value": False},
        {"event": "purchase", "within_days": "week", "value": True},
    ]
    assert read_goals({}) == []
    assert goals_shown({"goals": read_goals(form)}) == [(0, "7", False), (1, "week", True), (2, "", True)]


@pytest.mark.usefixtures("number_and_people_added")
@pytest.mark.sqlite_only
def test_goals_are_saved_shown_again_and_refused_at_their_place(panel: Panel, manager: Visitor) -> None:
    page = manager.refused("/campaigns/new", **FORM, goal_days_0="366", goal_days_1="1", goal_value_1="0")
    assert "366 is given; allowed are 1 to 365 days" in page
    assert re.findall(r'name="goal_days_\d" type="text" value="(\w*)"', page) == ["366", "1", ""]
    manager.post("/campaigns/new", **FORM, goal_days_0="7", goal_days_2="1", goal_value_2="0")
    made = campaign(panel)
    with panel.rt.database.read() as session:
        goals = goals_of(session, [made.id])[made.id]
    assert [(goal.within_days, goal.has_value) for goal in goals] == [(7, True), (1, False)]
    page = manager.get(f"/campaigns/{made.id}/edit")
    assert re.findall(r'name="goal_days_\d" type="text" value="(\w*)"', page) == ["7", "1", ""]
