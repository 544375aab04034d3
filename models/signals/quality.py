"""Finds out whether Meta lowered the quality of a campaign's templates since it started."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.template import Template
from models.tables.template_life import TemplateEvent, TemplateEventKind

RANKS = {"GREEN": 2, "YELLOW": 1, "RED": 0}
"""Meta's words (docs/meta.md §4.4); UNKNOWN says nothing."""
WITHIN = timedelta(days=7)
"""After the last message: Meta's rating is of the last seven days."""


def quality_fall(session: Session, campaign: Campaign) -> Mapping[str, str] | None:
    """The template, its language, its best quality since the campaign started (`before`) and its last (`after`), if that is worse.

    Of several languages the one that is rated worst.
    """
    if campaign.started_at is None:
        return None
    templates = {
        campaign.template_id,
        *session.scalars(select(Cohort.template_id).where(Cohort.campaign_id == campaign.id)),
    }
    query = (
        select(TemplateEvent.before, TemplateEvent.after, Template.id, Template.name, Template.language)
        .join(Template, Template.id == TemplateEvent.template_id)
        .where(
            TemplateEvent.template_id.in_([key for key in templates if key is not None]),
            TemplateEvent.kind == TemplateEventKind.QUALITY,
            TemplateEvent.at.between(campaign.started_at, _until(campaign, campaign.started_at)),
        )
        .order_by(TemplateEvent.at, TemplateEvent.id)
    )
    falls: dict[int, dict[str, str]] = {}
    for row in session.execute(query):
        fall = falls.setdefault(row.id, {"template": row.name, "language": row.language, "before": "", "after": ""})
        before, after = (row.before or "").upper(), (row.after or "").upper()
        fall["before"] = max(fall["before"], before, after, key=lambda word: RANKS.get(word, -1))
        fall["after"] = after
    fallen = [fall for fall in falls.values() if RANKS.get(fall["after"], 9) < RANKS.get(fall["before"], -1)]
    return min(fallen, key=lambda fall: RANKS[fall["after"]], default=None)


def _until(campaign: Campaign, started_at: datetime) -> datetime:
    return (campaign.last_sent_at or started_at) + WITHIN
