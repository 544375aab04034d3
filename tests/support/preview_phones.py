"""A simulated Meta that knows a template of every format, for tests of what its phones show."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.sandbox.config import Config
from bot.sandbox.seed import PHONE_NUMBER_ID
from bot.sandbox.server import start_in_thread
from tests.support.media import PNG
from tests.support.preview_gallery import TEMPLATES
from tests.support.sandbox_client import CALM, Caller

PHONE = "+34600000001"
NAMED = ("call_permission",)
NOT_SENT = ("missing_values", "gif")
"""What Meta would not take: values are missing, and GIFs need the Marketing Messages API."""
FORMATS = sorted(set(TEMPLATES) - set(NOT_SENT))
_PRODUCTS = [
    {"retailer_id": "SKU-1", "name": "Blue sneaker", "price": "€59.90"},
    {"retailer_id": "SKU-2", "name": "Red sneaker with a name that runs over two lines", "price": "€64.90"},
    {"retailer_id": "SKU-3", "name": "Green sneaker", "price": "€49.90"},
]


def world() -> dict[str, Any]:
    """An account whose templates are those of the gallery, with its products."""
    templates = [
        {
            "name": name,
            "language": "en",
            "category": sample.category,
            "status": "APPROVED",
            "parameter_format": "NAMED" if name in NAMED else "POSITIONAL",
            "components": sample.components,
        }
        for name, sample in TEMPLATES.items()
    ]
    number = {"id": PHONE_NUMBER_ID, "display_phone_number": "+1 555-010-0001", "verified_name": "Shop"}
    catalog = {"id": "1", "products": _PRODUCTS}
    waba = {"id": "100000000000001", "name": "Shop", "numbers": [number], "templates": templates, "catalogs": [catalog]}
    return {"portfolio_id": "900000000000001", "app_id": "300000000000001", "wabas": [waba]}


@contextmanager
def phones(webhook_url: str) -> Iterator[Caller]:
    """The simulated Meta; it rests until something is sent."""
    handle = start_in_thread(Config(webhook_url=webhook_url, world=world(), **CALM))
    caller = Caller(handle)
    try:
        yield caller
    finally:
        caller.close()
        handle.stop()


def upload(meta: Caller, mime_type: str = "image/png", content: bytes = PNG, name: str = "spring.png") -> str:
    """The id of an uploaded file."""
    answer = meta.http.post(
        f"/{PHONE_NUMBER_ID}/media",
        data={"messaging_product": "whatsapp", "type": mime_type},
        files={"file": (name, content, mime_type)},
    )
    return str(answer.json()["id"])


def send_sample(meta: Caller, name: str, to: str = PHONE) -> str:
    """Send a message of the gallery; returns its wamid."""
    sent = json.dumps(TEMPLATES[name].sent)
    for kind, identifier in (("image/png", "1602186516975000"), ("application/pdf", "pdf")):
        if f'"{identifier}"' in sent:
            name_of_file = "spring.png" if kind == "image/png" else "invoice.pdf"
            content = PNG if kind == "image/png" else b"%PDF-1.4 " + b"x" * 1_204_000
            sent = sent.replace(f'"{identifier}"', json.dumps(upload(meta, kind, content, name_of_file)))
    template = {"name": name, "language": {"code": "en"}, "components": json.loads(sent)}
    answer = meta.post({"to": to, "type": "template", "template": template})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["messages"][0]["id"])
