"""Says what type a campaign is: it follows from the template, and is stored when the campaign starts."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience.eligibility import MARKETING
from models.catalog.problems import needs_catalog
from models.tables.campaign import Campaign, CampaignType
from models.tables.template import Template


def type_of_template(template: Template) -> CampaignType:
    """The type of a campaign that sends this template: a template that shows products makes it one of the catalog, else Meta's
    category decides.
    """
    if needs_catalog(template.components):
        return CampaignType.CATALOG
    return CampaignType.PROMOTIONAL if template.category.upper() == MARKETING else CampaignType.INFORMATIONAL


def campaign_type(campaign: Campaign) -> CampaignType | None:
    """The type as it was stored at the start; before the start that of its template, None without one."""
    if campaign.type is not None or campaign.template is None:
        return campaign.type
    return type_of_template(campaign.template)


def types_of(session: Session, campaign_ids: Sequence[int]) -> Mapping[int, CampaignType | None]:
    """`campaign_type` of several campaigns, by id. A campaign that does not exist is absent."""
    rows = session.execute(
        select(Campaign.id, Campaign.type, Campaign.template_id).where(Campaign.id.in_(campaign_ids))
    )
    types = {row.id: (row.type, row.template_id) for row in rows}
    template_ids = {template_id for stored, template_id in types.values() if stored is None and template_id is not None}
    templates = {}
    if template_ids:
        query = select(Template).where(Template.id.in_(template_ids))
        templates = {template.id: type_of_template(template) for template in session.scalars(query)}
    return {key: stored or templates.get(template_id) for key, (stored, template_id) in types.items()}
