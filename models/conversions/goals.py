"""Reads and sets the goals of campaigns."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.db.dialect import NO_SYNC
from models.tables.goal import Goal, GoalEvent


class CampaignGoal(NamedTuple):
    """A goal in the order of the campaign file. `has_value`: its money counts as revenue."""

    event: GoalEvent
    within_days: int
    has_value: bool

    def to_json(self) -> dict[str, Any]:
        """The form of the campaign file."""
        return {"event": self.event.value, "within_days": self.within_days, "value": self.has_value}


def goals_of(session: Session, campaign_ids: Iterable[int]) -> dict[int, list[CampaignGoal]]:
    """The goals by campaign, in their order. A campaign without any is absent."""
    columns = (Goal.campaign_id, Goal.event, Goal.within_days, Goal.has_value)
    query = select(*columns).where(among(session, Goal.campaign_id, set(campaign_ids)))
    goals: dict[int, list[CampaignGoal]] = {}
    for campaign_id, event, within_days, has_value in session.execute(query.order_by(Goal.campaign_id, Goal.place)):
        goals.setdefault(campaign_id, []).append(CampaignGoal(event, within_days, has_value))
    return goals


def set_goals(session: Session, campaign_id: int, goals: Sequence[CampaignGoal]) -> None:
    """Replace the goals of a campaign that has not started."""
    if goals_of(session, [campaign_id]).get(campaign_id, []) == list(goals):
        return
    session.execute(delete(Goal).where(Goal.campaign_id == campaign_id), execution_options=NO_SYNC)
    session.add_all(Goal(campaign_id=campaign_id, place=place, **goal._asdict()) for place, goal in enumerate(goals))
    session.flush()
