"""Says what is wrong with the products that a campaign's messages name, and with the way that the messages go."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from models.campaigns.marketing_checks import MarketingProblem, marketing_problems
from models.catalog.problems import ProductProblem, catalog_problems, needs_catalog
from models.tables.campaign import Campaign
from models.tables.number import Number
from models.tables.template import Template
from models.templates.content import content_of


def message_problems(
    session: Session, campaign: Campaign, number: Number, template: Template, now: datetime
) -> Iterator[ProductProblem | MarketingProblem]:
    """Yield each problem, with whether Meta would certainly refuse the messages for it."""
    yield from marketing_problems(campaign, number, template)
    content = content_of(campaign)
    skus = content.skus()
    if skus or needs_catalog(template.components):
        yield from catalog_problems(session, number.waba_id, skus, content.products.get("catalog_id"), now)
