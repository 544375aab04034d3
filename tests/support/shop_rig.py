"""An installation and the shop that speaks to it: payloads of its webhooks, and the door that takes them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from werkzeug.test import Client

from bot.webhooks.shopify import PATH, sign_shop_body
from jobs.core.runtime import Runtime, use_runtime
from jobs.ingest.shop import apply_shop_events
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.events.dead_letters import waiting_letters
from models.shop.without_phone import list_without_phone
from models.tables.contact import Contact
from models.tables.order import Order
from models.tables.setting import write_setting
from tests.support.factories.contacts import ALICE_PHONE
from wsgi import create_app

SECRET = "shop-secret"
SHOP = "spring.myshopify.com"
AT = datetime.fromisoformat("2026-11-20T10:00:00+00:00")


def later(hours: float) -> str:
    return (AT + timedelta(hours=hours)).isoformat()


def customer(**values: Any) -> dict[str, Any]:
    given = {
        "id": 706405506930370084,
        "phone": ALICE_PHONE,
        "first_name": "Ana",
        "last_name": "Abel",
        "email": "ana@example.com",
        "tags": "vip, a=b",
        "updated_at": later(0),
    }
    return given | values


def consent(state: str, hours: float = 0, level: str = "single_opt_in") -> dict[str, Any]:
    return {"state": state, "opt_in_level": level, "consent_updated_at": later(hours), "consent_collected_from": "web"}


def order(**values: Any) -> dict[str, Any]:
    given = {
        "id": 820982911946154508,
        "name": "#9999",
        "currency": "USD",
        "current_total_price": "388.00",
        "total_price": "398.00",
        "processed_at": later(-1),
        "updated_at": later(0),
        "cancelled_at": None,
        "customer": customer(),
        "line_items": [{"title": "IPod Nano", "vendor": "Acme", "quantity": 1}, {"title": None, "vendor": None}],
    }
    return given | values


class Shop:
    """A shop that speaks to an installation."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.client = Client(create_app(rt.settings))
        self.sent = 0

    def says(self, topic: str, body: Any, *, event_id: str | None = None, secret: str = SECRET) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.sent += 1
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": SHOP,
            "X-Shopify-Webhook-Id": event_id or f"event-{self.sent}",
            "X-Shopify-Hmac-Sha256": sign_shop_body(secret, raw),
        }
        return self.client.post(PATH, data=raw, headers=headers, content_type="application/json").status_code

    def tells(self, topic: str, body: Any, **values: Any) -> None:
        assert self.says(topic, body, **values) == 200
        self.work()

    def work(self) -> None:
        with use_runtime(self.rt):
            apply_shop_events()

    def lets_sms_count(self) -> None:
        """The setting: consent to text messages counts as consent to WhatsApp messages."""
        with self.rt.database.write() as session:
            write_setting(session, "shopify_sms_consent_counts", True, utcnow())

    def contacts(self) -> list[Contact]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(Contact).order_by(Contact.id)))

    def orders(self) -> list[Order]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(Order).order_by(Order.id)))

    def without_phone(self) -> list[tuple[str, str]]:
        """(id, reason) of the customers without a usable phone."""
        with self.rt.database.read() as session:
            return [(row.customer_id, row.reason.value) for row in list_without_phone(session)]

    def letters(self) -> int:
        with self.rt.database.read() as session:
            return len(waiting_letters(session))


@contextmanager
def open_shop(database_url: str, redis_url: str, directory: Path, **settings: Any) -> Iterator[Shop]:
    """A shop and an installation on services of its own."""
    given = {
        "secret_key": "k" * 32,
        "shopify_secrets": ("the-former", SECRET),
        "encryption_keys": (new_encryption_key(),),
    }
    rt = Runtime(Settings(database_url=database_url, redis_url=redis_url, var_dir=directory, **(given | settings)))
    try:
        yield Shop(rt)
    finally:
        rt.close()
