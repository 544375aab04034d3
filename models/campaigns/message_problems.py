"""Says what is wrong with the products that a campaign's messages name, and with the way that the messages go."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from models.campaigns.marketing_checks import MarketingProblem, marketing_problems
from models.catalog.problems import ProductProblem, catalog_problems, needs_catalog
from models.sending.cohorts import message_parts
from models.tables.campaign import Campaign
from models.tables.number import Number
from models.templates.language_parts import LanguagePart


def message_problems(
    session: Session, campaign: Campaign, number: Number, now: datetime
) -> Iterator[ProductProblem | MarketingProblem]:
    """Yield each problem once, with whether Meta would certainly refuse the messages for it."""
    seen = set()
    for part in message_parts(session, campaign):
        for problem in _part_problems(session, campaign, number, part, now):
            if (sentence := str(problem.text)) not in seen:
                seen.add(sentence)
                yield problem


def _part_problems(
    session: Session, campaign: Campaign, number: Number, part: LanguagePart, now: datetime
) -> Iterator[ProductProblem | MarketingProblem]:
    if part.template is None:
        return
    yield from marketing_problems(campaign, number, part.template)
    skus = part.content.skus()
    if skus or needs_catalog(part.template.components):
        yield from catalog_problems(session, number.waba_id, skus, part.content.products.get("catalog_id"), now)
