"""Parses Shopify webhooks: customers, their consent, orders. Ids and times are required; other invalid values are left out."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.webhooks.parse_values import BadEventError, as_list, load_json, read_text
from models.contacts.field_values import FieldValueError, read_name, read_profile_value
from models.contacts.phone import is_country, read_phone
from models.events.shop_types import ShopConsent, ShopCustomer, ShopEvent, ShopOrder, ShopRedaction
from models.tables.order import in_milli
from models.tables.webhook_event import SHOP_MARK

CUSTOMER = frozenset({"customers/create", "customers/update", "customers/enable", "customers/disable"})
CONSENT = frozenset({"customers/marketing_consent_update", "customers_marketing_consent/update"})
ORDER = frozenset({"orders/create", "orders/updated", "orders/cancelled", "orders/edited", "orders/paid"})
MAX_ID = 64
MAX_ITEMS = 200
MAX_TAGS = 100
MAX_AMOUNT = Decimal(10) ** 12
_PROFILE_FIELDS = {"first_name": "first_name", "last_name": "last_name", "email": "email"}


def parse_shop_entry(entry: bytes, default_country: str | None) -> ShopEvent:
    """Parse an entry of the shop's stream. `default_country` (ISO) completes phone numbers.

    Raises BadEventError if it cannot be read; the error's text holds no content.
    """
    head, _, raw = entry.removeprefix(SHOP_MARK).partition(b"\n")
    headers, body = load_json(head), load_json(raw)
    if not entry.startswith(SHOP_MARK) or not isinstance(headers, dict) or not isinstance(body, dict):
        raise BadEventError("the body is no JSON object")
    topic, shop = str(headers.get("topic", "")), str(headers.get("shop", ""))[:100]
    change: ShopCustomer | ShopOrder | ShopRedaction | None = None
    if topic in CUSTOMER:
        change = _customer(body, default_country, must_have_id=True)
    elif topic in CONSENT:
        change = _customer({"id": body.get("customer_id")} | body, default_country)
    elif topic in ORDER:
        change = _order(body, default_country)
    elif topic == "customers/delete":
        change = ShopRedaction(_customer(body, default_country, must_have_id=True), wipes=False)
    elif topic == "customers/redact":
        if "shop_domain" not in body:  # topics are not signed: an order must not pass for a redaction
            raise BadEventError("it is no redaction")
        change = ShopRedaction(_customer(_dict(body.get("customer")), default_country, must_have_id=True), wipes=True)
    return ShopEvent(shop, str(headers.get("id", "")), change)


def _customer(body: dict[str, Any], default_country: str | None, *, must_have_id: bool = False) -> ShopCustomer:
    key = read_text(body.get("id"), MAX_ID)
    if key is None and must_have_id:
        raise BadEventError("the customer has no id")
    address = _dict(body.get("default_address"))
    country = read_text(address.get("country_code"), 2)
    fields = {name: _profile_value(name, body.get(column)) for name, column in _PROFILE_FIELDS.items()}
    fields["country"] = _profile_value("country", country)
    return ShopCustomer(
        key,
        _phone([body.get("phone"), address.get("phone")], country or default_country),
        {name: value for name, value in fields.items() if value},
        _consent(body.get("sms_marketing_consent")),
        _moment(body.get("updated_at")),
        _tags(body.get("tags")),
    )


def _tags(value: Any) -> tuple[str, ...]:
    """Split `vip, 2026 spring` into names, without those that cannot be a tag."""
    names = []
    for part in value.split(",")[:MAX_TAGS] if isinstance(value, str) else ():
        try:
            names.append(read_name(part, "a tag"))
        except FieldValueError:
            continue
    return tuple(dict.fromkeys(names))


def _consent(value: Any) -> ShopConsent | None:
    """Parse the consent to SMS marketing; the consent to e-mail does not apply to WhatsApp."""
    state = read_text(_dict(value).get("state"), 40)
    if state is None:
        return None
    is_confirmed = value.get("opt_in_level") == "confirmed_opt_in"
    return ShopConsent(
        state.lower(),
        is_confirmed,
        _moment(value.get("consent_updated_at")),
        read_text(value.get("consent_collected_from"), 60) or "",
    )


def _order(body: dict[str, Any], default_country: str | None) -> ShopOrder | None:
    """Return None for a test order. Raises BadEventError if its id, currency, total or time is missing."""
    if body.get("test") is True:
        return None
    key, currency = read_text(body.get("id"), MAX_ID), read_text(body.get("currency"), 3)
    placed_at = _moment(body.get("processed_at")) or _moment(body.get("created_at"))
    total = _amount(body.get("current_total_price")) or _amount(body.get("total_price"))
    if key is None or currency is None or placed_at is None or total is None:
        raise BadEventError("the order lacks its id, its currency, its total or its time")
    customer = _customer({"phone": body.get("phone")} | _without_nulls(_dict(body.get("customer"))), default_country)
    return ShopOrder(
        key,
        customer,
        read_text(body.get("name"), 100) or read_text(body.get("order_number"), 100) or "",
        in_milli(total),
        currency.upper(),
        placed_at,
        _moment(body.get("cancelled_at")),
        _moment(body.get("updated_at")),
        [_item(item) for item in as_list(body.get("line_items"))[:MAX_ITEMS] if isinstance(item, dict)],
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


def _phone(candidates: list[Any], country: str | None) -> str | None:
    """Return the first candidate that is a possible number, as E.164; None if there is none."""
    iso_country = country.upper() if country and is_country(country.upper()) else None
    for candidate in candidates:
        if isinstance(candidate, str) and candidate.strip():
            try:
                phone = read_phone(candidate, iso_country)
            except ValueError:
                continue
            if phone.e164:
                return phone.e164
    return None


def _profile_value(name: str, value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        return read_profile_value(name, value)
    except FieldValueError:
        return None


def _amount(value: Any) -> Decimal | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MAX_AMOUNT else None


def _moment(value: Any) -> datetime | None:
    """Parse an ISO 8601 time with an offset, into UTC; None if it is anything else."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed.astimezone(UTC) if parsed is not None and parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
