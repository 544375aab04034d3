"""What a shop says, parsed: a customer, an order, a customer who is to be forgotten. Facts alone, no decisions.

`bot.webhooks.parse_shop` makes them from a webhook's body, `bot.shopify` from a shop's answers; models.events.shop applies them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.tables.shop import PhoneReason


class ConsentChannel(StrEnum):
    """What kind of messages a consent of the shop is to."""

    WHATSAPP = "whatsapp"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class ShopConsent:
    """What the shop says of the customer's consent to messages on their phone. Any word may be new to us."""

    channel: ConsentChannel
    state: str
    """In lower case."""
    is_confirmed: bool
    """A double opt-in of the shop's own."""
    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class ShopPhone:
    """The phone of a customer. With a `reason` there is none that can be written to; `raw` is then what stands in its place."""

    e164: str | None = None
    raw: str = ""
    reason: PhoneReason | None = None
    is_of_order: bool = False
    """It was given with an order alone, perhaps by the other end of a gift: it leads to a person where nothing else does."""


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """A customer, as far as the event says."""

    id: str | None
    phone: ShopPhone | None
    """None for an event that says nothing of phones."""
    fields: dict[str, str] = field(default_factory=dict)
    """Of a contact's own fields those that the event names."""
    consents: tuple[ShopConsent, ...] = ()
    """Empty where the event says nothing of consent, which is not a "no"."""
    changed_at: datetime | None = None
    tags: tuple[str, ...] = ()
    """Those that the event names; it may name none although the customer has some."""

    @property
    def e164(self) -> str | None:
        """The number that can be written to."""
        return self.phone.e164 if self.phone is not None else None


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
