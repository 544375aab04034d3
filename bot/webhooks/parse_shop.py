"""Parses Shopify webhooks: customers, their consent, orders, refunds. Ids and times are required; other invalid values are
left out.

The version of a payload is that of its subscription: what a newer one does not carry any more (tags and consent, since 2025-01) is
unknown, not empty.
"""

from typing import Any

from bot.webhooks.parse_values import BadEventError, as_dict, as_list, load_json, read_text
from bot.webhooks.shop_refunds import read_amount, read_refund, read_refunds
from bot.webhooks.shop_values import (
    MAX_ID,
    Candidate,
    read_consent,
    read_customer_id,
    read_customer_phone,
    read_fields,
    read_tags,
    read_time,
)
from models.events.shop_types import (
    ConsentChannel,
    ShopConsent,
    ShopCustomer,
    ShopEvent,
    ShopOrder,
    ShopPhone,
    ShopRedaction,
)
from models.shop.refunds import NewRefund
from models.tables.order import in_milli
from models.tables.shop import PhoneReason
from models.tables.webhook_event import SHOP_MARK

CUSTOMER = frozenset({"customers/create", "customers/update", "customers/enable", "customers/disable"})
CONSENT = frozenset({"customers/marketing_consent_update", "customers_marketing_consent/update"})
TAGS_ADDED = frozenset({"customer.tags_added", "customers/tags_added"})
ORDER = frozenset({"orders/create", "orders/updated", "orders/cancelled", "orders/edited", "orders/paid"})
MAX_ITEMS = 200
REFUND = frozenset({"refunds/create"})


def parse_shop_entry(entry: bytes, default_country: str | None) -> ShopEvent:
    """Parse an entry of the shop's stream. `default_country` (ISO) completes phone numbers.

    Raises BadEventError if it cannot be read; the error's text holds no content.
    """
    head, _, raw = entry.removeprefix(SHOP_MARK).partition(b"\n")
    headers, body = load_json(head), load_json(raw)
    if not entry.startswith(SHOP_MARK) or not isinstance(headers, dict) or not isinstance(body, dict):
        raise BadEventError("the body is no JSON object")
    topic, shop = str(headers.get("topic", "")), str(headers.get("shop", ""))[:100]
    change: ShopCustomer | ShopOrder | NewRefund | ShopRedaction | None = None
    if topic in CUSTOMER:
        change = _customer(body, default_country, must_have_id=True)
    elif topic in CONSENT:
        change = _customer({"id": body.get("customer_id")} | body, default_country)
    elif topic in TAGS_ADDED:
        key = body.get("customerId") or body.get("customer_id")
        change = ShopCustomer(read_customer_id(key), None, tags=read_tags(as_list(body.get("tags"))))
    elif topic in ORDER:
        change = _order(body, default_country)
    elif topic in REFUND:
        change = read_refund(body)
    elif topic == "customers/delete":
        change = ShopRedaction(_customer(body, default_country, must_have_id=True), wipes=False)
    elif topic == "customers/redact":
        if "shop_domain" not in body:  # topics are not signed: an order must not pass for a redaction
            raise BadEventError("it is no redaction")
        change = ShopRedaction(_forgotten(as_dict(body.get("customer")), default_country), wipes=True)
    return ShopEvent(shop, str(headers.get("id", "")), change)


def _customer(
    body: dict[str, Any],
    default_country: str | None,
    *,
    must_have_id: bool = False,
    of_order: dict[str, Any] | None = None,
) -> ShopCustomer:
    """Parse a customer; `of_order` is the order that they stand in, whose phones are asked after their own."""
    key = read_customer_id(body.get("id"))
    if key is None and must_have_id:
        raise BadEventError("the customer has no id")
    address = as_dict(body.get("default_address"))
    country = read_text(address.get("country_code"), 2)
    names = {name: body.get(name) for name in ("first_name", "last_name", "email")}
    phone: ShopPhone | None = None
    if of_order is not None or "phone" in body or "default_address" in body:
        phone = read_customer_phone([(body.get("phone"), country), (address.get("phone"), country)], default_country)
    if of_order is not None and phone is not None and phone.e164 is None:
        given = read_customer_phone(_phones_of(of_order), default_country, is_of_order=True)
        phone = given if given.e164 is not None or phone.reason is PhoneReason.NO_PHONE else phone
    return ShopCustomer(
        key,
        phone,
        read_fields(names | {"country": country}),
        _sms_consent(body.get("sms_marketing_consent")),
        read_time(body.get("updated_at")),
        read_tags(body["tags"].split(",")) if isinstance(body.get("tags"), str) else (),
    )


def _forgotten(body: dict[str, Any], default_country: str | None) -> ShopCustomer:
    """Parse a customer who is to be forgotten; a shop may know nothing but an e-mail address of them."""
    customer = _customer(body, default_country)
    if customer.id is None and customer.e164 is None and "email" not in customer.fields:
        raise BadEventError("the redaction names nobody")
    return customer


def _phones_of(order: dict[str, Any]) -> list[Candidate]:
    """The phones of an order, the buyer's first: that of a shipping address in another name is of whoever gets the parcel."""
    shipping, billing = as_dict(order.get("shipping_address")), as_dict(order.get("billing_address"))
    is_for_another = bool(billing) and bool(shipping) and _name(billing) != _name(shipping)
    addresses = (billing, shipping) if is_for_another else (shipping, billing)
    country = next((found for it in (billing, shipping) if (found := it.get("country_code"))), None)
    return [(order.get("phone"), country), *((it.get("phone"), it.get("country_code")) for it in addresses)]


def _name(address: dict[str, Any]) -> str:
    parts = (address.get("first_name"), address.get("last_name"))
    return " ".join(part for part in parts if isinstance(part, str)).casefold().strip()


def _sms_consent(value: Any) -> tuple[ShopConsent, ...]:
    """Parse the consent to SMS marketing. Webhooks carry none to WhatsApp, and that to e-mail says nothing of the phone."""
    found = as_dict(value)
    names = ("state", "opt_in_level", "consent_updated_at", "consent_collected_from")
    consent = read_consent(ConsentChannel.SMS, *(found.get(name) for name in names))
    return (consent,) if consent is not None else ()


def _order(body: dict[str, Any], default_country: str | None) -> ShopOrder | None:
    """Return None for a test order. Raises BadEventError if its id, currency, total or time is missing."""
    if body.get("test") is True:
        return None
    key, currency = read_text(body.get("id"), MAX_ID), read_text(body.get("currency"), 3)
    placed_at = read_time(body.get("processed_at")) or read_time(body.get("created_at"))
    gross = read_amount(body.get("total_price"))
    current = read_amount(body.get("current_total_price"))
    total = gross if current is None else current
    if key is None or currency is None or placed_at is None or total is None:
        raise BadEventError("the order lacks its id, its currency, its total or its time")
    customer = _customer(as_dict(body.get("customer")), default_country, of_order=body)
    return ShopOrder(
        key,
        customer,
        read_text(body.get("name"), 100) or read_text(body.get("order_number"), 100) or "",
        in_milli(total),
        currency.upper(),
        placed_at,
        read_time(body.get("cancelled_at")),
        read_time(body.get("updated_at")),
        [_item(item) for item in as_list(body.get("line_items"))[:MAX_ITEMS] if isinstance(item, dict)],
        in_milli(gross) if gross is not None else None,
        read_refunds(body.get("refunds"), key),
    )


def _item(item: dict[str, Any]) -> dict[str, Any]:
    """Return the known fields of a line item. A webhook has the vendor as brand, and no collections."""
    quantity = item.get("quantity")
    fields = {
        "title": read_text(item.get("title"), 200),
        "brand": (read_text(item.get("vendor"), 200) or "").strip(),
        "quantity": quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else None,
    }
    return {name: value for name, value in fields.items() if value}
