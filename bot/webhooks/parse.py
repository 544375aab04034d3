"""Parses the body of a Meta webhook into statuses, inbound messages and account changes (docs/meta.md §7.4 to §7.9).

An item that cannot be read does not affect the others: `broken` gets a line with its place and without content. Unknown kinds are
counted and skipped. Fields that differ between versions of the payload are read in each form.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.meta.callback_data import read_callback
from bot.webhooks.parse_messages import read_inbound
from bot.webhooks.parse_pricing import read_pricing
from bot.webhooks.parse_values import MAX_ID, BadEventError, as_list, load_json, read_failure, read_moment, read_text
from models.events.types import AccountChange, EventKind, Parsed, Status

WABA_OBJECT = "whatsapp_business_account"

STATUS_KINDS: dict[str, EventKind] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",  # a voice message that was listened to
    "failed": "failed",
}


def parse_payload(raw: bytes) -> Parsed:
    """Parse a body. Raises BadEventError if it is no JSON object."""
    body = load_json(raw)
    if not isinstance(body, dict):
        raise BadEventError("the body is no JSON object")
    parsed = Parsed()
    if body.get("object") != WABA_OBJECT:
        parsed.ignored += 1
        return parsed
    for place, waba_id, entry_at, change in _changes(body, parsed):
        field, value = change.get("field"), change.get("value")
        if not isinstance(field, str) or not isinstance(value, dict):
            parsed.broken.append(f"{place}: no field or no value")
        elif field == "messages":
            _read_messages(parsed, place, waba_id, value)
        else:
            parsed.changes.append(AccountChange(field[:100], waba_id, entry_at, value))
    return parsed


def _changes(body: dict[str, Any], parsed: Parsed) -> Iterator[tuple[str, str, datetime | None, dict[str, Any]]]:
    for i, entry in enumerate(as_list(body.get("entry"))):
        if not isinstance(entry, dict):
            parsed.broken.append(f"entry[{i}]: no object")
            continue
        try:
            at = read_moment(entry["time"]) if entry.get("time") else None
        except BadEventError:
            at = None
        for j, change in enumerate(as_list(entry.get("changes"))):
            place = f"entry[{i}].changes[{j}]"
            if isinstance(change, dict):
                yield place, str(entry.get("id") or ""), at, change
            else:
                parsed.broken.append(f"{place}: no object")


def _read_messages(parsed: Parsed, place: str, waba_id: str, value: dict[str, Any]) -> None:
    metadata = value.get("metadata")
    phone_number_id = read_text(metadata.get("phone_number_id"), 64) if isinstance(metadata, dict) else None
    for i, item in enumerate(as_list(value.get("statuses"))):
        try:
            status = _read_status(item, phone_number_id)
        except BadEventError as error:
            parsed.broken.append(f"{place}.statuses[{i}]: {error}")
            continue
        if status is None:
            parsed.ignored += 1
        else:
            parsed.statuses.append(status)
    contacts = as_list(value.get("contacts"))
    for i, item in enumerate(as_list(value.get("messages"))):
        try:
            message = read_inbound(item, phone_number_id, contacts)
        except BadEventError as error:
            parsed.broken.append(f"{place}.messages[{i}]: {error}")
            continue
        if message is None:
            parsed.ignored += 1
        else:
            parsed.inbound.append(message)
    if value.get("errors") and not value.get("statuses") and not value.get("messages"):
        parsed.changes.append(
            AccountChange("errors", waba_id, None, {"number": phone_number_id, "errors": value["errors"]})
        )


def _read_status(item: Any, phone_number_id: str | None) -> Status | None:
    """Return None for an unknown kind (`deleted`, `warning`, …) and for groups. Raises BadEventError if it is invalid."""
    if not isinstance(item, dict):
        raise BadEventError("no object")
    kind = STATUS_KINDS.get(item.get("status", "")) if isinstance(item.get("status"), str) else None
    if kind is None or item.get("recipient_type") == "group":
        return None
    wamid = item.get("id")
    if not isinstance(wamid, str) or not 0 < len(wamid) <= MAX_ID:
        raise BadEventError("its id is missing or too long")
    callback = item.get("biz_opaque_callback_data")
    return Status(
        wamid,
        kind,
        read_moment(item.get("timestamp")),
        phone_number_id,
        read_text(callback, 512),
        read_callback(callback) if isinstance(callback, str) else None,
        read_text(item.get("recipient_id"), 64),
        read_text(item.get("recipient_user_id"), 200),
        read_failure(item.get("errors")) if kind == "failed" else None,
        read_pricing(item.get("pricing")),
        # Meta renamed it on 2026-05-05 (docs/meta.md §7.5).
        read_text(item.get("recipient_parent_user_id") or item.get("parent_recipient_user_id"), 200),
    )
