"""Types of a shop's webhook events, parsed: customers, orders and redaction requests. They hold facts and decide nothing.

`bot.webhooks.parse_shop` makes them from a webhook's body; models.events.shop applies them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ShopConsent:
    """The customer's consent to messages on their phone. `state` is the shop's word, which may be unknown to us."""

    state: str
    is_confirmed: bool
    """Whether the customer confirmed it in a double opt-in of the shop."""
    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """A customer, as far as the event names it. `id` is the shop's id, `changed_at` the shop's time of the change."""

    id: str | None
    phone: str | None
    """E.164; None if there is none, or it is not a valid phone number."""
    fields: dict[str, str] = field(default_factory=dict)
    """Values of contact columns, by the column's name; only those that the event names."""
    consent: ShopConsent | None = None
    changed_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order of a customer. `total_milli` is in thousandths of `currency`."""

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
    """The shop deleted the customer. `wipes`: the person asked for the redaction of their data."""

    customer: ShopCustomer
    wipes: bool


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """One webhook. `id` is the shop's id of the event, the same when it is repeated."""

    shop: str
    id: str
    change: ShopCustomer | ShopOrder | ShopRedaction | None
    """None for a topic that we do not use."""
