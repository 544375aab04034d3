"""Parses customers as the GraphQL Admin API names them, into the same facts as a webhook's."""

from dataclasses import dataclass
from typing import Any

from bot.webhooks.parse_values import as_dict, as_list, read_text
from bot.webhooks.shop_values import (
    read_consent,
    read_customer_id,
    read_customer_phone,
    read_fields,
    read_tags,
    read_time,
)
from models.events.shop_types import ConsentChannel, ShopConsent, ShopCustomer


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A page of customers; `end_cursor` is the place after it, None if it is the last."""

    customers: tuple[ShopCustomer, ...]
    end_cursor: str | None


def read_customer(node: Any, default_country: str | None) -> ShopCustomer | None:
    """Parse a customer; None for a node that has no id. `default_country` (ISO) completes phone numbers."""
    body = as_dict(node)
    customer_id = read_customer_id(body.get("id"))
    if customer_id is None:
        return None
    number, address = as_dict(body.get("defaultPhoneNumber")), as_dict(body.get("defaultAddress"))
    country = read_text(address.get("countryCodeV2"), 2)
    own = (number.get("phoneNumber"), country)
    phone = read_customer_phone([own, (address.get("phone"), country)], default_country)
    names = {
        "first_name": body.get("firstName"),
        "last_name": body.get("lastName"),
        "email": as_dict(body.get("defaultEmailAddress")).get("emailAddress"),
        "country": country,
    }
    # Consent was given for the customer's own number, and says nothing of another one in their address.
    is_own = read_customer_phone([own], default_country).e164 == phone.e164
    return ShopCustomer(
        customer_id,
        phone,
        read_fields(names),
        _consents(number) if is_own else (),
        read_time(body.get("updatedAt")),
        read_tags(as_list(body.get("tags"))),
    )


def read_page(connection: Any, default_country: str | None) -> CustomerPage | None:
    """Parse a page of customers; None if it is none."""
    body, info = as_dict(connection), as_dict(as_dict(connection).get("pageInfo"))
    if not isinstance(body.get("nodes"), list) or not info:
        return None
    customers = [read_customer(node, default_country) for node in body["nodes"]]
    cursor = info.get("endCursor") if info.get("hasNextPage") is True else None
    return CustomerPage(
        tuple(customer for customer in customers if customer is not None), cursor if isinstance(cursor, str) else None
    )


def _consents(number: dict[str, Any]) -> tuple[ShopConsent, ...]:
    whatsapp = as_dict(number.get("whatsAppMarketingConsent"))
    fields = ("state", "optInLevel", "updatedAt", "collectedFrom")
    flat = ("marketingState", "marketingOptInLevel", "marketingUpdatedAt", "marketingCollectedFrom")
    consents = (
        read_consent(ConsentChannel.WHATSAPP, *(whatsapp.get(name) for name in fields)),
        read_consent(ConsentChannel.SMS, *(number.get(name) for name in flat)),
    )
    return tuple(consent for consent in consents if consent is not None)
