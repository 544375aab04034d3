"""Parses what another responder on our number does: standby, echoes and changes of control (docs/meta.md §7.8, §7.11)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.webhooks.parse_messages import MAX_BSUID, read_inbound, read_wa_id
from bot.webhooks.parse_values import BadEventError, as_dict, read_moment, read_text
from models.events.types import ControlChange, Echo, InboundMessage, Sender

ECHO_FIELDS = frozenset({"smb_message_echoes", "message_echoes"})
"""Messages that the business wrote in its phone app."""
STANDBY_FIELD = "standby"
CONTROL_FIELD = "messaging_handovers"
KINDS = ("messages", "message_echoes", "statuses", "errors")
PASSED, TAKEN = "control_passed", "control_taken"
MAX_SUMMARY = 2000


def standby_parts(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the contents of a standby change in the form of a `messages` change; an empty one yields nothing.

    The shape is reported, not documented: an object, a list of objects, or the contents beside `metadata`.
    """
    inner = value.get(STANDBY_FIELD, value)
    shared: dict[str, Any] = {name: value[name] for name in ("metadata", "contacts") if name in value}
    for part in inner if isinstance(inner, list) else [inner]:
        if isinstance(part, dict) and any(part.get(kind) for kind in KINDS):
            yield shared | part


def on_standby(message: InboundMessage) -> InboundMessage:
    """Return a message that another responder answers: a STOP in it counts, a START or a yes may be meant for them."""
    word = message.word if message.word == "stop" else None
    return replace(message, is_standby=True, word=word, may_be_choice=False, confirms=False)


def read_echo(item: Any, phone_number_id: str | None, contacts: list[Any], author: str) -> Echo | None:
    """Parse a message that was written from our number; its receiver stands where an inbound one has its sender.

    `author` as in `Echo`. None for a message to a group. Raises BadEventError if its id, time, receiver or `phone_number_id` is
    missing.
    """
    if not isinstance(item, dict):
        raise BadEventError("no object")
    if item.get("recipient_type") == "group":
        return None
    receiver = {
        "from": item.get("to"),
        "from_user_id": item.get("to_user_id") or item.get("recipient_user_id"),
        "from_parent_user_id": item.get("to_parent_user_id") or item.get("recipient_parent_user_id"),
    }
    message = read_inbound(item | receiver, phone_number_id, contacts)
    if message is None:
        return None
    said_by_us = replace(message, payload=item, word=None, confirms=False, pressed=None, moved_to=None)
    return Echo(said_by_us, author)


def read_control_change(value: dict[str, Any]) -> ControlChange | None:
    """Parse a change of control; None for a kind that is neither `control_passed` nor `control_taken`.

    Raises BadEventError if its time, its person or its number is missing.
    """
    kind = value.get("type") or next((key for key in (PASSED, TAKEN) if key in value), None)
    if kind not in (PASSED, TAKEN):
        return None
    person = as_dict(value.get("sender"))
    wa_id = read_wa_id(person.get("phone_number") or person.get("wa_id"))
    bsuid = read_text(person.get("user_id"), MAX_BSUID)
    if wa_id is None and bsuid is None:
        raise BadEventError("its person is missing")
    numbers = (as_dict(value.get(key)).get("phone_number_id") for key in ("recipient", "metadata"))
    phone_number_id = read_text(next((number for number in numbers if number), None), 64)
    if phone_number_id is None:
        raise BadEventError("its phone_number_id is missing")
    detail = as_dict(value.get(kind))
    summary = as_dict(as_dict(detail.get("conversation_context")).get("summary")).get("text")
    return ControlChange(
        phone_number_id,
        Sender(wa_id, bsuid),
        read_moment(value.get("timestamp")),
        kind == PASSED,
        read_text(detail.get("new_owner_role"), 40) or "",
        read_text(summary, MAX_SUMMARY),
    )
