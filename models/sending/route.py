"""Decides by which of Meta's endpoints a campaign's messages go (docs/meta.md §2.6): the Cloud API, or the one for marketing.

The claim asks at every chunk, so that a template that Meta re-categorised and a number that was set otherwise are followed at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.billing.max_price import bid_spec, has_max_price
from models.tables.number import ONBOARDED, MarketingPolicy, Number
from models.tables.recipient import SendEndpoint
from models.tables.template import Template

MARKETING = "MARKETING"


@dataclass(frozen=True, slots=True)
class SendRoute:
    """Where messages go. `fields` are put into each body. `needs_phone`: Meta refuses a user id in the place of the phone.

    `may_fall_back`: a message that the endpoint certainly refused is sent by the Cloud API.
    """

    endpoint: SendEndpoint = SendEndpoint.MESSAGES
    fields: Mapping[str, Any] = field(default_factory=dict)
    may_fall_back: bool = False
    needs_phone: bool = False

    @property
    def path(self) -> str:
        """The endpoint's name in the request's path."""
        return SendEndpoint.MARKETING if self.endpoint is SendEndpoint.MARKETING else SendEndpoint.MESSAGES

    def of(self, stored: SendEndpoint | None) -> "SendRoute":
        """The route of one recipient, by what its row says: who fell back before goes by the Cloud API."""
        if self.endpoint is SendEndpoint.MARKETING and self.may_fall_back and stored is SendEndpoint.FALLBACK:
            return _AFTER_REFUSAL
        return self


CLOUD_API = SendRoute()
_AFTER_REFUSAL = SendRoute(SendEndpoint.FALLBACK)


def falls_back(number: Number, template: Template) -> bool:
    """Whether the number's choice lets a message of the template go by the Cloud API instead.

    Never one with a maximum price, which the Cloud API refuses.
    """
    return number.marketing_policy is MarketingPolicy.CLOUD_API_FALLBACK and not has_max_price(template)


def send_route(number: Number, template: Template, max_price: int | None = None) -> SendRoute:
    """Return the route of a number's messages from a template. `max_price` is the campaign's, in millionths.

    Raises LookupError if `max_price` is given and the messages cannot have it: they might cost more.
    """
    may_fall_back = falls_back(number, template)
    is_ready = number.waba.marketing_onboarding == ONBOARDED or not may_fall_back
    if not number.marketing_api or template.category.upper() != MARKETING or not is_ready:
        if max_price is not None:
            raise LookupError("the Cloud API takes no maximum price")
        return CLOUD_API
    policy = MarketingPolicy.CLOUD_API_FALLBACK if may_fall_back else MarketingPolicy.STRICT
    fields: dict[str, Any] = {"product_policy": policy.value}
    if number.marketing_activity_sharing is not None:
        fields["message_activity_sharing"] = number.marketing_activity_sharing
    bid = bid_spec(template, number.waba.currency, max_price)
    if bid is not None:
        fields["bid_spec"] = bid
    is_possible = may_fall_back and not number.waba.marketing_off_on_cloud_api
    return SendRoute(SendEndpoint.MARKETING, fields, is_possible, has_max_price(template))
