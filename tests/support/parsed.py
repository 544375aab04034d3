"""Recorded payloads, read."""

import json
from typing import Any

from bot.webhooks.parse import parse_payload
from models.events.types import InboundMessage, Parsed, Status
from tests.support.paths import WEBHOOKS


def recorded(name: str) -> Parsed:
    return parse_payload((WEBHOOKS / f"{name}.json").read_bytes())


def message(name: str) -> InboundMessage:
    [found] = recorded(name).inbound
    return found


def status(name: str) -> Status:
    [found] = recorded(name).statuses
    return found


def envelope(field: str = "messages", **value: Any) -> bytes:
    value = {"metadata": {"phone_number_id": "1"}} | value
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "w", "changes": [{"field": field, "value": value}]}]}
    ).encode()
