"""Builds the items of webhooks: statuses, messages and contacts, in the form of v23 and v24 (docs/meta.md §7.5, §7.6)."""

import hashlib
import json
from typing import Any

from bot.sandbox.config import Config
from bot.sandbox.errors import webhook_error
from bot.sandbox.outbox import QueuedWebhook
from bot.sandbox.person import SimulatedPerson
from bot.sandbox.store import SandboxInbound, SandboxMessage
from bot.sandbox.world import SandboxNumber

DAY = 86_400


def status_item(
    config: Config, number: SandboxNumber, person: SimulatedPerson, message: SandboxMessage, kind: str, **more: Any
) -> QueuedWebhook:
    """Build a status. ``more``: ``code`` of a failure, ``pricing`` (none: not priced), ``odd`` adds an unknown field."""
    value: dict[str, Any] = {"id": message.wamid, "status": kind, "timestamp": str(int(message.facts[kind]))}
    value |= _identity(config, person, "recipient_id", "recipient_user_id")
    if message.callback_data is not None:
        value["biz_opaque_callback_data"] = message.callback_data
    if more.get("code"):
        value["errors"] = [webhook_error(more["code"])]
    if more.get("pricing"):
        if config.payload_version == "v23":
            value["conversation"] = _conversation(message, kind)
        value["pricing"] = more["pricing"]
    if more.get("odd"):
        value["sandbox_unheard_of"] = {"level": 1}
    contact = (
        None if kind == "failed" or config.payload_version == "v23" else contact_json(config, person, kind != "sent")
    )
    return QueuedWebhook(number.waba_id, number.id, "statuses", json.dumps(value), contact)


def inbound_item(
    config: Config, number: SandboxNumber, person: SimulatedPerson, inbound: SandboxInbound
) -> QueuedWebhook:
    """Build the webhook item of a person's message."""
    is_system = inbound.raw.get("type") == "system"
    contact = None if is_system else contact_json(config, person, True)
    return QueuedWebhook(number.waba_id, number.id, "messages", json.dumps(inbound.raw), contact)


def standby_item(
    config: Config, number: SandboxNumber, person: SimulatedPerson, inbound: SandboxInbound
) -> QueuedWebhook:
    """Build the webhook of a person's message that another responder answers (docs/meta.md §7.11)."""
    contacts = [json.loads(contact_json(config, person, True))]
    value = {
        "messaging_product": "whatsapp",
        "metadata": metadata_of(number),
        "standby": {"contacts": contacts, "messages": [inbound.raw]},
    }
    return value_item(number.waba_id, "standby", value)


def metadata_of(number: SandboxNumber) -> dict[str, str]:
    """Return a webhook's ``metadata``."""
    return {"display_phone_number": number.digits, "phone_number_id": number.id}


def value_item(waba_id: str, field: str, value: dict[str, Any]) -> QueuedWebhook:
    """Build an account webhook with its whole value."""
    return QueuedWebhook(waba_id, None, "value", json.dumps(value), field=field)


def contact_json(config: Config, person: SimulatedPerson, with_username: bool) -> str:
    """Return an entry of a webhook's ``contacts``, as JSON text."""
    profile: dict[str, str] = {"name": person.name}
    if person.username and with_username:
        profile["username"] = person.username
    return json.dumps({"profile": profile} | _identity(config, person, "wa_id", "user_id"))


def sender_of(config: Config, person: SimulatedPerson) -> dict[str, str]:
    """Return the ids of the sender of an inbound message."""
    return _identity(config, person, "from", "from_user_id")


def _identity(config: Config, person: SimulatedPerson, phone_key: str, user_key: str) -> dict[str, str]:
    """Return the ids that webhooks show: a person with a username has a BSUID only."""
    ids = {} if person.username else {phone_key: person.wa_id}
    return ids | ({user_key: person.bsuid} if config.bsuids or person.username else {})


def _conversation(message: SandboxMessage, kind: str) -> dict[str, Any]:
    conversation: dict[str, Any] = {"id": hashlib.md5(message.wamid.encode(), usedforsecurity=False).hexdigest()}
    if kind == "sent":
        conversation["expiration_timestamp"] = str(int(message.at) + DAY)
    return conversation | {"origin": {"type": message.category}}
