"""Checks how a campaign's marketing messages would go: by which endpoint, and for what price at most (docs/meta.md §2.6, §2.7)."""

from collections.abc import Iterator
from typing import NamedTuple

from models.billing.amount import show_amount
from models.billing.max_price import STEPS, has_max_price, multiplier_steps, template_price
from models.sending.route import MARKETING, falls_back
from models.tables.campaign import Campaign
from models.tables.number import ONBOARDED, Number
from models.tables.template import Template
from models.text import Text

_USE_API = "Let the number send by the Marketing Messages API (flask numbers marketing), or choose another template."
_ONBOARD = "Sign its terms in WhatsApp Manager, then ask Meta again on the numbers page (flask numbers marketing)."
_ASK = "Ask Meta about the account on the numbers page (flask numbers marketing)."


_NOT_READY = (
    "The account of number {number} is not onboarded to the Marketing Messages API (Meta says: {state}), and its marketing"
    " may go no other way."
)
_NOT_READY_FALLS_BACK = (
    "The account of number {number} is not onboarded to the Marketing Messages API (Meta says: {state}): its marketing goes by the"
    " Cloud API."
)


class MarketingProblem(NamedTuple):
    """A stable key, the sentence for the operator, what to do, and whether Meta would certainly refuse the messages."""

    key: str
    text: Text
    remedy: str
    is_blocking: bool


def marketing_problems(campaign: Campaign, number: Number, template: Template) -> Iterator[MarketingProblem]:
    """Yield what keeps the campaign's messages from being sent as they are meant, or makes them go another way."""
    if template.category.upper() == MARKETING:
        yield from _endpoint_problems(number, template)
    if campaign.max_price is not None:
        yield from _price_problems(campaign, campaign.max_price, number, template)


def _endpoint_problems(number: Number, template: Template) -> Iterator[MarketingProblem]:
    named = {"name": template.name, "language": template.language, "number": number.name}
    waba = number.waba
    if not number.marketing_api and has_max_price(template):
        text = Text(
            "Template {name} ({language}) has a maximum price, which the Cloud API does not take, and number {number} sends by it.",
            named,
        )
        yield MarketingProblem("max_price_route", text, _USE_API, True)
    is_ready = waba.marketing_onboarding == ONBOARDED
    goes_by_cloud_api = not number.marketing_api
    if number.marketing_api and not is_ready:
        goes_by_cloud_api = falls_back(number, template)
        state = waba.marketing_onboarding or "unknown"
        text = Text(_NOT_READY_FALLS_BACK if goes_by_cloud_api else _NOT_READY, named | {"state": state})
        yield MarketingProblem("marketing_api", text, _ONBOARD, not goes_by_cloud_api)
    if goes_by_cloud_api and waba.marketing_off_on_cloud_api:
        text = Text("Marketing is switched off on the Cloud API for the account of number {number}.", named)
        yield MarketingProblem("marketing_off", text, _USE_API, True)


def _price_problems(
    campaign: Campaign, max_price: int, number: Number, template: Template
) -> Iterator[MarketingProblem]:
    named = {"name": template.name, "language": template.language, "number": number.name}
    currency, price = number.waba.currency, template_price(template, number.waba.currency)
    asked = {"amount": f"{show_amount(max_price)} {campaign.max_price_currency}"}
    if not number.marketing_api or template.category.upper() != MARKETING:
        text = Text("A maximum price needs a marketing template and a number that sends by the Marketing Messages API.")
        yield MarketingProblem("max_price", text, _USE_API, True)
    elif not has_max_price(template):
        text = Text("Template {name} ({language}) has no maximum price that the campaign's could scale.", named)
        yield MarketingProblem(
            "max_price", text, "Give the template a maximum price at Meta, or take the campaign's away.", True
        )
    elif currency is None:
        text = Text("In which currency Meta bills the account of number {number} is not known yet.", named)
        yield MarketingProblem("max_price", text, _ASK, True)
    elif currency != campaign.max_price_currency:
        text = Text(
            "The maximum price is {amount}, and Meta bills the account in {currency}.", asked | {"currency": currency}
        )
        yield MarketingProblem("max_price", text, "Give the maximum price in the account's currency.", True)
    elif price is None:
        text = Text(
            "The maximum price of template {name} ({language}) in {currency} cannot be told.",
            named | {"currency": currency},
        )
        yield MarketingProblem(
            "max_price", text, "Take the campaign's maximum price away: the template's applies.", True
        )
    elif multiplier_steps(max_price, price) == 0:
        text = Text("A maximum price of {amount} is too little beside the template's.", asked)
        yield MarketingProblem("max_price", text, "Raise it, or take it away.", True)
    elif multiplier_steps(max_price, price) == STEPS and max_price > price:
        shown = {"price": f"{show_amount(price)} {currency}"}
        text = Text("The template's own maximum price is {price}: {amount} changes nothing.", asked | shown)
        yield MarketingProblem("max_price", text, "Raise the template's price at Meta, or lower the campaign's.", False)
