"""What a shop tells us, parsed: a customer, an order, a customer who is to be forgotten. Facts alone, no decisions.

`bot.webhooks.parse_shop` makes them from a webhook's body; models.events.shop applies them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ShopConsent:
    """What the shop says of the customer's consent to messages on their phone. Any word may be new to us."""

    state: str
    is_confirmed: bool
    """A double opt-in of the shop's own."""
    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """A customer, as far as the event says."""

    id: str | None
    phone: str | None
    """E.164; None where there is none, or it is none that can be written to."""
    fields: dict[str, str] = field(default_factory=dict)
    """Of a contact's own fields those that the event names."""
    consent: ShopConsent | None = None
    changed_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order, and whose it is."""

    id: str
    customer: ShopCustomer
    number: str
    total_milli: int
    currency: str
    placed_at: datetime
    cancelled_at: datetime | None
    changed_at: datetime | None
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ShopRedaction:
    """The shop has no such customer any more; with `wipes` the person asked to be forgotten."""

    customer: ShopCustomer
    wipes: bool


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """One webhook. `id` is the shop's own for this event, the same when it is sent again."""

    shop: str
    id: str
    news: ShopCustomer | ShopOrder | ShopRedaction | None
    """None for a topic that says nothing to us."""
