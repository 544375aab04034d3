"""Goals in the campaign file: what is taken, what is refused, and which copies keep them."""

from typing import Any

import pytest

from admin.operations.campaign_file import read_campaign
from admin.operations.campaign_lifecycle import create_test
from admin.operations.campaigns import create_campaign, duplicate_campaign, update_campaign
from jobs.campaigns.start import fresh_preflight
from models.clock import utcnow
from models.conversions.goals import CampaignGoal, goals_of
from models.errors import OperatorError
from models.tables.goal import GoalEvent
from tests.support.cli_app import ANA, CAMPAIGN, Shell
from tests.support.factories.contacts import make_contact, make_order

WEEK, DAY = CampaignGoal(GoalEvent.PURCHASE, 7, True), CampaignGoal(GoalEvent.PURCHASE, 1, False)


@pytest.mark.parametrize(
    ("goals", "why"),
    [
        ([{"event": "signup", "within_days": 7}], "goals.0.event=\"signup\": input should be 'purchase'"),
        ([{"event": "purchase"}], "goals.0.within_days is missing"),
        ([{"event": "purchase", "within_days": 0}], "goals.0.within_days: 0 is given; allowed are 1 to 365 days"),
        ([{"event": "purchase", "within_days": 366}], "366 is given; allowed are 1 to 365 days"),
        ([{"event": "purchase", "within_days": 1.5}], "goals.0.within_days=1.5: input should be a valid integer"),
        ([{"event": "purchase", "within_days": "7"}], 'goals.0.within_days="7": input should be a valid integer'),
        (
            [{"event": "purchase", "within_days": 7, "days": 1}],
            "goals.0.days: there is no such field; allowed are event, within_days, value",
        ),
        ([{"event": "purchase", "within_days": 7}] * 2, "goals: purchase within 7 days is named twice"),
        ([{"event": "purchase", "within_days": days} for days in (1, 2, 3, 4)], "goals"),
        ("purchase", "goals"),
    ],
)
def test_a_wrong_goal_is_refused_with_what_is_allowed(goals: Any, why: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read_campaign({"name": "Spring", "goals": goals})
    assert why in str(refused.value)


@pytest.mark.usefixtures("number_and_people_added")
@pytest.mark.sqlite_unless_proved
def test_goals_are_kept_replaced_and_taken_along_by_a_duplicate_and_not_by_a_test(shell: Shell) -> None:
    def goals(campaign_id: int) -> list[CampaignGoal]:
        with shell.rt.database.read() as session:
            return goals_of(session, [campaign_id]).get(campaign_id, [])

    def warned(campaign_id: int) -> bool:
        return "goals" in {check.key for check in fresh_preflight(shell.rt, campaign_id, utcnow()).warnings}

    both = [{"event": "purchase", "within_days": 7}, {"event": "purchase", "within_days": 1, "value": False}]
    created = create_campaign(shell.rt, CAMPAIGN | {"goals": both}, ANA)
    assert goals(created.id) == [WEEK, DAY]
    assert goals(duplicate_campaign(shell.rt, created.id, ANA).id) == [WEEK, DAY]
    assert warned(created.id)
    with shell.rt.database.write() as session:
        make_order(session, tester := make_contact(session, "+34600000077"))
    assert goals(create_test(shell.rt, created.id, [str(tester.phone)], ANA)) == []
    assert not warned(created.id)
    update_campaign(shell.rt, created.id, CAMPAIGN | {"goals": both[:1]}, ANA)
    assert goals(created.id) == [WEEK]
    update_campaign(shell.rt, created.id, CAMPAIGN, ANA)
    assert goals(created.id) == []
