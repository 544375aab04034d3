"""A shop that posts to us, and what becomes of its news."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from werkzeug.test import Client

from bot.webhooks.shopify import PATH, sign_shop_body
from jobs.core.runtime import Runtime, use_runtime
from jobs.ingest.shop import apply_shop_events
from models.events.dead_letters import waiting_letters
from models.tables.contact import Contact
from models.tables.order import Order
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

    def contacts(self) -> list[Contact]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(Contact).order_by(Contact.id)))

    def orders(self) -> list[Order]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(Order).order_by(Order.id)))

    def letters(self) -> int:
        with self.rt.database.read() as session:
            return len(waiting_letters(session))
