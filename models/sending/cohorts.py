"""Makes a campaign's cohorts at its start, one for each language, and reads what they send."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clicks.links import make_links
from models.db.dialect import insert_into
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.templates.content import MessageContent, content_of
from models.templates.language_parts import LanguagePart, language_parts
from models.templates.tracked_links import link_places


def cohorts_of(session: Session, campaign_id: int) -> Sequence[Cohort]:
    """The campaign's cohorts in the order of their positions; none before its start."""
    query = select(Cohort).where(Cohort.campaign_id == campaign_id).order_by(Cohort.position)
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def make_cohorts(session: Session, campaign: Campaign, now: datetime, *, has_unassigned: bool = False) -> None:
    """Make those that the campaign lacks, with the tracked links of their messages. Two processes that do so at once make each
    one once.

    Does nothing for a language without a template: the preflight has refused such a start.
    """
    shared, parts = content_of(campaign), language_parts(session, campaign)
    rows = [
        {
            "campaign_id": campaign.id,
            "position": part.position,
            "template_id": part.template.id,
            "variables": _unless_equal(part.content.variables, shared.variables),
            "media": _unless_equal(part.content.media, shared.media),
            "content": _unless_equal(part.content.content_column() or {}, shared.content_column() or {}),
            "is_open": True,
            "edition": 0,
            "has_unassigned": has_unassigned and part.position == 0,
            "created_at": now,
        }
        for part in parts
        if part.template is not None
    ]
    make_links(session, campaign.id, (place for part in parts for place in link_places(part.content)), now)
    if rows:
        statement = insert_into(session, Cohort).values(rows)
        session.execute(statement.on_conflict_do_nothing(index_elements=["campaign_id", "position"]))


def cohort_content(cohort: Cohort) -> MessageContent:
    """What the cohort's message adds to its template: its own content, else the campaign's."""
    campaign = cohort.campaign
    return MessageContent.from_columns(
        campaign.variables if cohort.variables is None else cohort.variables,
        campaign.media if cohort.media is None else cohort.media,
        campaign.content if cohort.content is None else cohort.content,
    )


def message_parts(session: Session, campaign: Campaign) -> list[LanguagePart]:
    """What is sent next: before the start what the campaign says, then its cohorts that are not paused."""
    cohorts = cohorts_of(session, campaign.id) if campaign.started_at is not None else []
    if not cohorts:
        return language_parts(session, campaign)
    return [
        LanguagePart(cohort.position, cohort.template.language, cohort.template, cohort_content(cohort))
        for cohort in cohorts
        if cohort.paused_at is None
    ]


def _unless_equal(own: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if own == shared else dict(own)
