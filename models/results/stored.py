"""Reads the stored sums of campaigns that are too large to be counted for each look at their page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.results.curve import Curve
from models.results.figures import Figures
from models.results.steps import StepFigures, step_funnel
from models.tables.result import CampaignResult

LARGE = 50_000
"""Smaller campaigns are counted from their rows, which takes some milliseconds."""


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """The sums of a campaign as of a moment."""

    figures: Figures
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What a campaign's results show besides its statistics. `counted_at`: None if it was never counted."""

    curve: Curve
    steps: tuple[StepFigures, ...]
    counted_at: datetime | None


def stored_figures(session: Session, campaign_ids: Sequence[int], at_least: int = LARGE) -> dict[int, StoredFigures]:
    """The sums of those of the campaigns that have `at_least` so many people."""
    if not campaign_ids:
        return {}
    query = select(CampaignResult.campaign_id, CampaignResult.figures, CampaignResult.counted_at).where(
        CampaignResult.campaign_id.in_(campaign_ids), CampaignResult.people >= at_least
    )
    return {
        row.campaign_id: StoredFigures(Figures.from_json(row.figures), row.counted_at)
        for row in session.execute(query)
        if row.figures is not None
    }


def stored_result(session: Session, campaign_id: int) -> StoredResult:
    """The curve and the steps as they were last added up; the steps of a smaller campaign as of now."""
    row = session.get(CampaignResult, campaign_id)
    if row is None or row.curve is None:
        return StoredResult(Curve.of({}), tuple(step_funnel(session, campaign_id)), None)
    stored = tuple(StepFigures(*step) for step in row.steps or ())
    steps = stored if row.people >= LARGE else tuple(step_funnel(session, campaign_id))
    return StoredResult(Curve.from_json(row.curve), steps, row.counted_at)
