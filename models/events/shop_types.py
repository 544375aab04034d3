"""Types of a shop's webhook events, parsed: customers, orders and redaction requests. They hold facts and decide nothing.

`bot.webhooks.parse_shop` makes them from a webhook's body, `bot.shopify` from a shop's answers; models.events.shop applies them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.shop.refunds import NewRefund
from models.tables.shop import PhoneReason


class ConsentChannel(StrEnum):
    """What kind of messages a consent of the shop is to."""

    WHATSAPP = "whatsapp"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class ShopConsent:
    """The customer's consent to messages on their phone. `state` is the shop's word, which may be unknown to us."""

    channel: ConsentChannel
    state: str
    """In lower case."""
    is_confirmed: bool
    """Whether the customer confirmed it in a double opt-in of the shop."""
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
    """A customer, as far as the event names it. `id` is the shop's id, `changed_at` the shop's time of the change."""

    id: str | None
    phone: ShopPhone | None
    """None for an event that says nothing about phones."""
    fields: dict[str, str] = field(default_factory=dict)
    """Values of contact columns, by the column's name; only those that the event names."""
    consents: tuple[ShopConsent, ...] = ()
    """Empty for an event that says nothing about consent, which is not a "no"."""
    changed_at: datetime | None = None
    tags: tuple[str, ...] = ()
    """Those that the event names; it may name none although the customer has some."""

    @property
    def e164(self) -> str | None:
        """The number that can be written to."""
        return self.phone.e164 if self.phone is not None else None


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order of a customer. `total_milli` is its worth after refunds, `gross_milli` before, in thousandths of `currency`."""

    id: str
    customer: ShopCustomer
    number: str
    total_milli: int
    currency: str
    placed_at: datetime
    cancelled_at: datetime | None
    changed_at: datetime | None
    items: list[dict[str, Any]]
    gross_milli: int | None = None
    refunds: tuple[NewRefund, ...] = ()


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
    change: ShopCustomer | ShopOrder | NewRefund | ShopRedaction | None
    """None for a topic that we do not use."""
