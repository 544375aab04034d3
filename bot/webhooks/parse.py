"""Parses the body of a Meta webhook into statuses, messages, changes of control and account changes (docs/meta.md §7.4 to §7.11).

An item that cannot be read does not affect the others: `broken` gets a line with its place and without content. Unknown kinds are
counted and skipped. Fields that differ between versions of the payload are read in each form.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from bot.meta.callback_data import read_callback
from bot.webhooks.parse_clicks import read_reported_click
from bot.webhooks.parse_messages import read_inbound
from bot.webhooks.parse_pricing import read_pricing
from bot.webhooks.parse_routing import (
    CONTROL_FIELD,
    ECHO_FIELDS,
    STANDBY_FIELD,
    on_standby,
    read_control_change,
    read_echo,
    standby_parts,
)
from bot.webhooks.parse_values import (
    MAX_ID,
    BadEventError,
    as_dict,
    as_list,
    load_json,
    read_failure,
    read_moment,
    read_text,
)
from models.events.types import AccountChange, EventKind, Parsed, Status
from models.tables.conversation import PHONE_APP_AUTHOR, RESPONDER_AUTHOR

WABA_OBJECT = "whatsapp_business_account"
Item = TypeVar("Item")

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
        elif field in ECHO_FIELDS:
            _read_echoes(parsed, place, value, PHONE_APP_AUTHOR)
        elif field == STANDBY_FIELD:
            _read_standby(parsed, place, waba_id, value)
        elif field == CONTROL_FIELD:
            _read_one(parsed, place, value, read_control_change, parsed.control)
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
    phone_number_id = _phone_number_id(value)
    _read_each(parsed, place, value, "statuses", lambda item: _read_status(item, phone_number_id), parsed.statuses)
    _read_each(
        parsed, place, value, "user_actions", lambda item: read_reported_click(item, phone_number_id), parsed.clicks
    )
    contacts = as_list(value.get("contacts"))
    _read_each(
        parsed, place, value, "messages", lambda item: read_inbound(item, phone_number_id, contacts), parsed.inbound
    )
    if value.get("errors") and not value.get("statuses") and not value.get("messages"):
        parsed.changes.append(
            AccountChange("errors", waba_id, None, {"number": phone_number_id, "errors": value["errors"]})
        )


def _read_standby(parsed: Parsed, place: str, waba_id: str, value: dict[str, Any]) -> None:
    shown = Parsed()
    for part in standby_parts(value):
        _read_messages(shown, place, waba_id, part)
        _read_echoes(shown, place, part, RESPONDER_AUTHOR)
    parsed.inbound += [on_standby(message) for message in shown.inbound]
    parsed.statuses += shown.statuses
    parsed.echoes += shown.echoes
    parsed.changes += shown.changes
    parsed.clicks += shown.clicks
    parsed.broken += shown.broken
    parsed.ignored += shown.ignored + (shown.size == 0 and not shown.broken)


def _read_echoes(parsed: Parsed, place: str, value: dict[str, Any], author: str) -> None:
    phone_number_id, contacts = _phone_number_id(value), as_list(value.get("contacts"))
    _read_each(
        parsed,
        place,
        value,
        "message_echoes",
        lambda item: read_echo(item, phone_number_id, contacts, author),
        parsed.echoes,
    )


def _read_each(
    parsed: Parsed,
    place: str,
    value: dict[str, Any],
    name: str,
    read: Callable[[Any], Item | None],
    found: list[Item],
) -> None:
    """Read every item of `value[name]` on its own, so that a broken one costs no other."""
    for i, item in enumerate(as_list(value.get(name))):
        _read_one(parsed, f"{place}.{name}[{i}]", item, read, found)


def _read_one(parsed: Parsed, place: str, item: Any, read: Callable[[Any], Item | None], found: list[Item]) -> None:
    """Append what `read` makes of an item; None counts as ignored, BadEventError as broken."""
    try:
        made = read(item)
    except BadEventError as error:
        parsed.broken.append(f"{place}: {error}")
        return
    if made is None:
        parsed.ignored += 1
    else:
        found.append(made)


def _phone_number_id(value: dict[str, Any]) -> str | None:
    return read_text(as_dict(value.get("metadata")).get("phone_number_id"), 64)


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
