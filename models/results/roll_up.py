"""Adds up the sums of a campaign's blocks, and stores them for its page, its curve and the trends."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from models.clock import from_unix
from models.db.dialect import NO_SYNC
from models.results.curve import Curve
from models.results.figures import Figures, total
from models.results.steps import step_funnel
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.result import CampaignResult, RecipientBlock, ResultHour
from models.tables.template import Template

NAMES = ("sent", "delivered", "read", "replied", "opted_out")
REST_PEOPLE = 100_000
"""A campaign of so many people is added up again after a second at the earliest, a larger one later in proportion."""


def stale_campaigns(session: Session, now: datetime) -> Sequence[int]:
    """The campaigns of which a block was counted since they were added up, and whose rest is over."""
    query = select(CampaignResult.campaign_id, CampaignResult.people, CampaignResult.counted_at)
    rows = session.execute(query.where(CampaignResult.is_stale).order_by(CampaignResult.campaign_id))
    return [row.campaign_id for row in rows if row.counted_at is None or now - row.counted_at >= _rest(row.people)]


def _rest(people: int) -> timedelta:
    return timedelta(seconds=people // REST_PEOPLE)


def read_steps(session: Session, campaign_id: int) -> list[list[Any]]:
    """The steps of the campaign's bot flow as they are stored. It may take a second: not for a write transaction."""
    return [[it.step, it.people, it.median_seconds] for it in step_funnel(session, campaign_id)]


def roll_up(session: Session, campaign_id: int, steps: list[list[Any]], now: datetime) -> None:
    """Store the sums of the campaign's blocks as of `now`. A campaign without blocks has none left."""
    whole = add_up(session, campaign_id)
    session.execute(delete(ResultHour).where(ResultHour.campaign_id == campaign_id), execution_options=NO_SYNC)
    if not whole.people:
        session.execute(
            delete(CampaignResult).where(CampaignResult.campaign_id == campaign_id), execution_options=NO_SYNC
        )
        return
    session.execute(
        update(CampaignResult)
        .where(CampaignResult.campaign_id == campaign_id)
        .values(
            is_stale=False,
            people=whole.people,
            figures=whole.to_json(with_moments=False),
            curve=Curve.of(whole.moments).to_json(),
            steps=steps,
            counted_at=now,
        ),
        execution_options=NO_SYNC,
    )
    hours = hours_of(session, campaign_id, whole)
    if hours:
        session.execute(insert(ResultHour), hours)


def add_up(session: Session, campaign_id: int) -> Figures:
    """The sums of all blocks of a campaign."""
    query = select(RecipientBlock.figures).where(RecipientBlock.campaign_id == campaign_id)
    return total(Figures.from_json(stored) for stored in session.scalars(query))


def hours_of(session: Session, campaign_id: int, whole: Figures) -> list[dict[str, Any]]:
    """The rows of ResultHour, whose languages are those of the cohorts' templates."""
    languages = _languages(session, campaign_id)
    sums: dict[tuple[str, int], Counter[str]] = {}
    for cell in whole.typed_cells():
        language = languages.get(cell.cohort_id) or languages.get(None) or ""
        sums.setdefault((language, cell.hour), Counter()).update({name: getattr(cell, name) for name in NAMES})
    return [
        {"campaign_id": campaign_id, "language": language, "hour": from_unix(hour * 3600)}
        | {name: counts[name] for name in NAMES}
        for (language, hour), counts in sorted(sums.items())
    ]


def _languages(session: Session, campaign_id: int) -> Mapping[int | None, str]:
    """The language by cohort; under None that of the campaign's own template, which people without a cohort got."""
    own = (
        select(Template.language).join(Campaign, Campaign.template_id == Template.id).where(Campaign.id == campaign_id)
    )
    language = session.scalar(own) or ""
    cohorts = select(Cohort.id, Template.language).join(Template, Template.id == Cohort.template_id)
    rows = session.execute(cohorts.where(Cohort.campaign_id == campaign_id))
    return {None: language} | {row.id: row.language for row in rows}
