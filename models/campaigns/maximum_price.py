"""Says what a message of a campaign may cost at most, where its template has a maximum price."""

from sqlalchemy.orm import Session

from models.audience.eligibility import MARKETING
from models.billing.max_price import STEPS, has_max_price, multiplier_steps, template_price
from models.billing.price_cap import PriceCap
from models.sending.cohorts import message_parts
from models.tables.campaign import Campaign
from models.tables.template import Template

UNKNOWN_CAP = PriceCap("", None)


def campaign_price_cap(session: Session, campaign: Campaign) -> PriceCap | None:
    """Return the highest maximum price of the campaign's templates, with its own multiplier; None if none has one.

    Where one of several has none or it cannot be told, the maximum is unknown: nothing is held back too little.
    """
    templates = [part.template for part in message_parts(session, campaign) if part.template is not None]
    templates = templates or [campaign.template] if campaign.template is not None else templates
    if campaign.number is None or not any(map(_is_capped, templates)):
        return None
    currency = campaign.number.waba.currency
    prices = [_highest(template, campaign.max_price, currency) for template in templates if _is_capped(template)]
    known = [price for price in prices if price is not None]
    if currency is None or len(known) < len(templates):
        return UNKNOWN_CAP
    return PriceCap(currency, max(known))


def _is_capped(template: Template) -> bool:
    return template.category.upper() == MARKETING and has_max_price(template)


def _highest(template: Template, max_price: int | None, currency: str | None) -> int | None:
    """The template's price with the multiplier of its messages, rounded up; None if it cannot be told."""
    price = template_price(template, currency)
    if price is None or max_price is None:
        return price
    return -(-price * multiplier_steps(max_price, price) // STEPS)
