"""Keeps a template that a campaign is sending from being edited or deleted under it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from models.campaigns.cohort_pause import pause_for_template
from models.errors import OperatorError
from models.stored_texts import TEMPLATE_TAKEN_AWAY
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.template import Template


def refuse_while_sent(session: Session, templates: Sequence[Template]) -> None:
    """Raises OperatorError if an active campaign sends one of the templates."""
    ids = [template.id for template in templates]
    has_cohorts = exists().where(Cohort.campaign_id == Campaign.id)
    has_open_cohort = exists().where(
        Cohort.campaign_id == Campaign.id, Cohort.template_id.in_(ids), Cohort.pause_reason.is_(None)
    )
    query = select(Campaign).where(
        Campaign.status == CampaignStatus.ACTIVE, or_(has_open_cohort, Campaign.template_id.in_(ids) & ~has_cohorts)
    )
    campaign = session.scalars(query.order_by(Campaign.id).limit(1)).first()
    if campaign is not None:
        raise OperatorError(
            "campaign {id} ({campaign}) is sending the template {name}; pause it or let it end first",
            id=campaign.id,
            campaign=campaign.name,
            name=templates[0].name,
        )


def pause_its_campaigns(session: Session, template: Template, now: datetime) -> None:
    """Pause the campaigns that began to send the template while Meta was called."""
    detail = TEMPLATE_TAKEN_AWAY(name=template.name, language=template.language, status=template.status)
    pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, detail, now)
