"""A shop's webhook, taken apart: customers, their consent, orders. What is odd is left out; ids and times must be there."""

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
_OWN = {"first_name": "first_name", "last_name": "last_name", "email": "email"}


def parse_shop_entry(entry: bytes, default_country: str | None) -> ShopEvent:
    """An entry of the shop's stream. BadEventError where it cannot be read; its text holds no content."""
    head, _, raw = entry.removeprefix(SHOP_MARK).partition(b"\n")
    said, body = load_json(head), load_json(raw)
    if not entry.startswith(SHOP_MARK) or not isinstance(said, dict) or not isinstance(body, dict):
        raise BadEventError("the body is no JSON object")
    topic, shop = str(said.get("topic", "")), str(said.get("shop", ""))[:100]
    news: ShopCustomer | ShopOrder | ShopRedaction | None = None
    if topic in CUSTOMER:
        news = _customer(body, default_country, must_have_id=True)
    elif topic in CONSENT:
        news = _customer({"id": body.get("customer_id")} | body, default_country)
    elif topic in ORDER:
        news = _order(body, default_country)
    elif topic == "customers/delete":
        news = ShopRedaction(_customer(body, default_country, must_have_id=True), wipes=False)
    elif topic == "customers/redact":
        if "shop_domain" not in body:  # topics are not signed: what was an order is not taken for this
            raise BadEventError("it is no redaction")
        news = ShopRedaction(_customer(_dict(body.get("customer")), default_country, must_have_id=True), wipes=True)
    return ShopEvent(shop, str(said.get("id", "")), news)


def _customer(body: dict[str, Any], default_country: str | None, *, must_have_id: bool = False) -> ShopCustomer:
    key = read_text(body.get("id"), MAX_ID)
    if key is None and must_have_id:
        raise BadEventError("the customer has no id")
    address = _dict(body.get("default_address"))
    country = read_text(address.get("country_code"), 2)
    fields = {name: _own(name, body.get(given)) for name, given in _OWN.items()} | {"country": _own("country", country)}
    return ShopCustomer(
        key,
        _phone([body.get("phone"), address.get("phone")], country or default_country),
        {name: value for name, value in fields.items() if value},
        _consent(body.get("sms_marketing_consent")),
        _moment(body.get("updated_at")),
        _tags(body.get("tags")),
    )


def _tags(told: Any) -> tuple[str, ...]:
    """`vip, 2026 spring` as names; what can be no tag of ours is left out."""
    names = []
    for part in told.split(",")[:MAX_TAGS] if isinstance(told, str) else ():
        try:
            names.append(read_name(part, "a tag"))
        except FieldValueError:
            continue
    return tuple(dict.fromkeys(names))


def _consent(told: Any) -> ShopConsent | None:
    """The consent to messages on the phone; that to e-mail says nothing about WhatsApp."""
    state = read_text(_dict(told).get("state"), 40)
    if state is None:
        return None
    is_confirmed = told.get("opt_in_level") == "confirmed_opt_in"
    return ShopConsent(
        state.lower(),
        is_confirmed,
        _moment(told.get("consent_updated_at")),
        read_text(told.get("consent_collected_from"), 60) or "",
    )


def _order(body: dict[str, Any], default_country: str | None) -> ShopOrder | None:
    """None for an order that only tries the shop out."""
    if body.get("test") is True:
        return None
    key, currency = read_text(body.get("id"), MAX_ID), read_text(body.get("currency"), 3)
    placed_at = _moment(body.get("processed_at")) or _moment(body.get("created_at"))
    total = _amount(body.get("current_total_price")) or _amount(body.get("total_price"))
    if key is None or currency is None or placed_at is None or total is None:
        raise BadEventError("the order lacks its id, its currency, its total or its time")
    customer = _customer({"phone": body.get("phone")} | _present(_dict(body.get("customer"))), default_country)
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
    """A shop's order names the brand (the vendor) and no collections."""
    quantity = item.get("quantity")
    known = {
        "title": read_text(item.get("title"), 200),
        "brand": (read_text(item.get("vendor"), 200) or "").strip(),
        "quantity": quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else None,
    }
    return {name: value for name, value in known.items() if value}


def _phone(candidates: list[Any], country: str | None) -> str | None:
    """The first that is a possible number."""
    known = country.upper() if country and is_country(country.upper()) else None
    for candidate in candidates:
        if isinstance(candidate, str) and candidate.strip():
            try:
                phone = read_phone(candidate, known)
            except ValueError:
                continue
            if phone.e164:
                return phone.e164
    return None


def _own(name: str, value: Any) -> str | None:
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
    """A shop's times are ISO with an offset."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        return read.astimezone(UTC) if read is not None and read.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _present(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
