"""Parses one inbound message of a webhook (docs/meta.md §7.6). A message of an unknown type is stored whole."""

from typing import Any

from bot.meta.callback_data import read_button, read_flow_token
from bot.opt_out_words import (
    Word,
    button_intent,
    is_certain_stop,
    is_yes,
    is_yes_button,
    may_mean_opt_out,
    opt_out_intent,
)
from bot.webhooks.parse_values import MAX_ID, BadEventError, as_dict, as_list, read_moment, read_text
from bot.webhooks.shared_phone import read_shared_wa_id
from models.events.types import InboundMessage, Sender
from models.form_replies import form_text, form_token

MAX_TYPE = 32
MAX_PAYLOAD = 300
MAX_BSUID = 200
MAX_WA_ID = 20
PRESSED = frozenset({"button", "interactive"})
CAPTIONED = frozenset({"image", "video", "document", "audio", "sticker"})
REPLIES = ("button_reply", "list_reply")
NEW_USER_ID = "user_changed_user_id"
MOVES = frozenset({"user_changed_number", "customer_changed_number", NEW_USER_ID})


def read_inbound(item: Any, phone_number_id: str | None, contacts: list[Any]) -> InboundMessage | None:
    """Parse one message. `contacts` is the webhook's list. None for a message in a group.

    Raises BadEventError if its id, time, sender or `phone_number_id` is missing.
    """
    if not isinstance(item, dict):
        raise BadEventError("no object")
    if item.get("group_id"):
        return None
    wamid = item.get("id")
    if not isinstance(wamid, str) or not 0 < len(wamid) <= MAX_ID:
        raise BadEventError("its id is missing or too long")
    if phone_number_id is None:
        raise BadEventError("its phone_number_id is missing")
    kind = _kind(item)
    content = item
    if kind == "edit":
        content = as_dict(as_dict(item.get("edit")).get("message"))
    payload = _payload(content)
    return InboundMessage(
        wamid,
        read_moment(item.get("timestamp")),
        kind,
        phone_number_id,
        _sender(item, contacts),
        item,
        _text(content),
        _context(item, kind),
        payload and payload[:MAX_PAYLOAD],
        read_button(payload) or read_flow_token(form_token(content)),
        _word(content, payload),
        kind == "text" and not is_certain_stop(_text(content)),
        _may_mean_stop(content, payload),
        _confirms(content, payload),
        _moved_to(item) if kind == "system" else None,
        _is_user_id_change(item),
    )


def _kind(item: dict[str, Any]) -> str:
    """Return the message's type; `unsupported` for what Meta could not pass on, which has the type `unknown` or errors."""
    kind = read_text(item.get("type"), MAX_TYPE) or "unknown"
    return "unsupported" if kind == "unknown" or as_list(item.get("errors")) else kind


def _sender(item: dict[str, Any], contacts: list[Any]) -> Sender:
    wa_id, bsuid = read_wa_id(item.get("from")), read_text(item.get("from_user_id"), MAX_BSUID)
    contact = _contact_of(wa_id, bsuid, contacts)
    bsuid = bsuid or read_text(contact.get("user_id"), MAX_BSUID)
    wa_id = wa_id or read_wa_id(contact.get("wa_id")) or read_shared_wa_id(item, bsuid)
    parent = item.get("from_parent_user_id") or contact.get("parent_user_id")
    if item.get("type") == "system":  # it may have no sender: the person is found by what it says about them
        system = as_dict(item.get("system"))
        if system.get("type") in MOVES:
            bsuid = read_text(system.get("previous_user_id"), MAX_BSUID) or bsuid
            parent = parent or system.get("previous_parent_user_id")
    if wa_id is None and bsuid is None:
        raise BadEventError("its sender is missing")
    profile = as_dict(contact.get("profile"))
    return Sender(
        wa_id,
        bsuid,
        read_text(parent, MAX_BSUID),
        read_text(profile.get("name"), 300),
        read_text(profile.get("username"), 100),
    )


def _contact_of(wa_id: str | None, bsuid: str | None, contacts: list[Any]) -> dict[str, Any]:
    """Return the sender's entry of `contacts`, by wa_id or BSUID; the only entry if the message has neither; else an empty dict."""
    entries = [contact for contact in contacts if isinstance(contact, dict)]
    for contact in entries:
        if (bsuid and contact.get("user_id") == bsuid) or (wa_id and read_wa_id(contact.get("wa_id")) == wa_id):
            return contact
    return entries[0] if len(entries) == 1 and wa_id is None and bsuid is None else {}


def _is_user_id_change(item: dict[str, Any]) -> bool:
    """Whether a user id was replaced. Raises BadEventError if one of the two ids is missing then."""
    system = as_dict(item.get("system"))
    if item.get("type") != "system" or system.get("type") != NEW_USER_ID:
        return False
    if not read_text(system.get("previous_user_id"), MAX_BSUID) or not read_text(system.get("user_id"), MAX_BSUID):
        raise BadEventError("its user ids are missing")
    return True


def _moved_to(item: dict[str, Any]) -> Sender | None:
    system = as_dict(item.get("system"))
    if system.get("type") not in MOVES:
        return None
    wa_id = read_wa_id(system.get("wa_id") or system.get("new_wa_id"))
    bsuid = read_text(system.get("user_id"), MAX_BSUID)
    if wa_id is None and bsuid is None:
        return None
    return Sender(wa_id, bsuid, read_text(system.get("parent_user_id"), MAX_BSUID))


def _context(item: dict[str, Any], kind: str) -> str | None:
    """Return the wamid of the message that it refers to. A forwarded message has a context without an id."""
    wamids = {
        "reaction": as_dict(item.get("reaction")).get("message_id"),
        "edit": as_dict(item.get("edit")).get("original_message_id"),
        "revoke": as_dict(item.get("revoke")).get("original_message_id"),
    }
    wamid = wamids.get(kind) or as_dict(item.get("context")).get("id")
    return wamid if isinstance(wamid, str) and 0 < len(wamid) <= MAX_ID else None


def _payload(item: dict[str, Any]) -> str | None:
    interactive = as_dict(item.get("interactive"))
    replies = [as_dict(interactive.get(kind)).get("id") for kind in REPLIES]
    return next(
        (payload for payload in (as_dict(item.get("button")).get("payload"), *replies) if isinstance(payload, str)),
        None,
    )


def _word(item: dict[str, Any], payload: str | None) -> Word | None:
    """Return the opt-out or opt-in word of the message: typed, as a caption or as a button."""
    kind, text = item.get("type"), _text(item)
    if kind in PRESSED:
        return button_intent(text, payload) if _is_press(kind, payload) else None
    return opt_out_intent(text) if kind == "text" or kind in CAPTIONED else None


def _may_mean_stop(item: dict[str, Any], payload: str | None) -> bool:
    """Whether a person should ask what is meant: the words hold a STOP, or a button that does nothing to consent reads like one."""
    kind, text = item.get("type"), _text(item)
    if _is_press(kind, payload):
        return is_certain_stop(text)
    return (kind in {"text", "interactive"} or kind in CAPTIONED) and may_mean_opt_out(text)


def _is_press(kind: Any, payload: str | None) -> bool:
    """Whether it is the press of a button. A form that was filled in is `interactive` without a payload."""
    return kind == "button" or (kind == "interactive" and payload is not None)


def _confirms(item: dict[str, Any], payload: str | None) -> bool:
    kind = item.get("type")
    if kind in PRESSED:
        return _is_press(kind, payload) and is_yes_button(_text(item), payload)
    return kind == "text" and is_yes(_text(item))


def _text(item: dict[str, Any]) -> str | None:
    """Return the text that a person reads in the message; None if there is none."""
    kind = item.get("type")
    inner = as_dict(item.get(kind)) if isinstance(kind, str) else {}
    text: Any = None
    if kind in {"text", "system"}:
        text = inner.get("body")
    elif kind == "button":
        text = inner.get("text")
    elif kind == "interactive":
        titles = [as_dict(inner.get(reply)).get("title") for reply in REPLIES]
        text = next((title for title in titles if title), None) or form_text(item)
    elif kind in CAPTIONED:
        text = inner.get("caption")
    elif kind == "reaction":
        text = inner.get("emoji")
    elif kind == "location":
        text = inner.get("name") or inner.get("address")
    elif kind == "order":
        text = inner.get("text")
    elif kind == "contacts":
        names = [as_dict(as_dict(card).get("name")).get("formatted_name") for card in as_list(item.get("contacts"))]
        text = ", ".join(name for name in names if isinstance(name, str))
    return text if isinstance(text, str) and text else None


def read_wa_id(value: Any) -> str | None:
    """Return the digits of a wa_id or phone; None for a value of another form."""
    digits = read_text(value, MAX_WA_ID + 1)
    if digits is None:
        return None
    digits = digits.removeprefix("+")
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= MAX_WA_ID else None
