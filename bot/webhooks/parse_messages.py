"""One message of a person, read from a webhook (docs/meta.md §7.6). Any type that is not known is kept whole."""

from typing import Any

from bot.meta.callback_data import read_button as read_pressed
from bot.opt_out_words import Word, button_intent, is_yes, is_yes_button, opt_out_intent
from bot.webhooks.parse_values import MAX_ID, BadEventError, as_list, read_moment, read_text
from models.events.types import InboundMessage, Sender

MAX_TYPE = 32
MAX_PAYLOAD = 300
MAX_BSUID = 200
MAX_WA_ID = 20
CAPTIONED = frozenset({"image", "video", "document", "audio", "sticker"})
REPLIES = ("button_reply", "list_reply")
MOVES = frozenset({"user_changed_number", "customer_changed_number"})


def read_inbound(item: Any, number: str | None, contacts: list[Any]) -> InboundMessage | None:
    """None for a message in a group, which is nobody's chat with us. BadEventError where something essential is missing."""
    if not isinstance(item, dict):
        raise BadEventError("no object")
    if item.get("group_id"):
        return None
    wamid = item.get("id")
    if not isinstance(wamid, str) or not 0 < len(wamid) <= MAX_ID:
        raise BadEventError("its id is missing or too long")
    if number is None:
        raise BadEventError("its phone_number_id is missing")
    kind = read_text(item.get("type"), MAX_TYPE) or "unknown"
    said = item
    if kind == "edit":
        said = _dict(_dict(item.get("edit")).get("message"))
    payload = _payload(said)
    return InboundMessage(
        wamid,
        read_moment(item.get("timestamp")),
        kind,
        number,
        _sender(item, contacts),
        item,
        _text(said),
        _context(item, kind),
        payload and payload[:MAX_PAYLOAD],
        read_pressed(payload),
        _word(said, payload),
        _confirms(said, payload),
        _moved_to(item) if kind == "system" else None,
    )


def _sender(item: dict[str, Any], contacts: list[Any]) -> Sender:
    wa_id, bsuid = _wa_id(item.get("from")), read_text(item.get("from_user_id"), MAX_BSUID)
    contact = _contact_of(wa_id, bsuid, contacts)
    wa_id = wa_id or _wa_id(contact.get("wa_id"))
    bsuid = bsuid or read_text(contact.get("user_id"), MAX_BSUID)
    if wa_id is None and bsuid is None:
        raise BadEventError("its sender is missing")
    profile = _dict(contact.get("profile"))
    return Sender(
        wa_id,
        bsuid,
        read_text(item.get("from_parent_user_id") or contact.get("parent_user_id"), MAX_BSUID),
        read_text(profile.get("name"), 300),
        read_text(profile.get("username"), 100),
    )


def _contact_of(wa_id: str | None, bsuid: str | None, contacts: list[Any]) -> dict[str, Any]:
    """The entry of `contacts` that belongs to the sender: by either id; the only one, where neither is there to compare."""
    found = [contact for contact in contacts if isinstance(contact, dict)]
    for contact in found:
        if (bsuid and contact.get("user_id") == bsuid) or (wa_id and _wa_id(contact.get("wa_id")) == wa_id):
            return contact
    return found[0] if len(found) == 1 and wa_id is None and bsuid is None else {}


def _moved_to(item: dict[str, Any]) -> Sender | None:
    system = _dict(item.get("system"))
    if system.get("type") not in MOVES:
        return None
    wa_id = _wa_id(system.get("wa_id") or system.get("new_wa_id"))
    bsuid = read_text(system.get("user_id"), MAX_BSUID)
    if wa_id is None and bsuid is None:
        return None
    return Sender(wa_id, bsuid, read_text(system.get("parent_user_id"), MAX_BSUID))


def _context(item: dict[str, Any], kind: str) -> str | None:
    """The message that it is about. A forwarded one has a context without an id."""
    about = {
        "reaction": _dict(item.get("reaction")).get("message_id"),
        "edit": _dict(item.get("edit")).get("original_message_id"),
        "revoke": _dict(item.get("revoke")).get("original_message_id"),
    }
    found = about.get(kind) or _dict(item.get("context")).get("id")
    return found if isinstance(found, str) and 0 < len(found) <= MAX_ID else None


def _payload(item: dict[str, Any]) -> str | None:
    interactive = _dict(item.get("interactive"))
    replies = [_dict(interactive.get(kind)).get("id") for kind in REPLIES]
    return next(
        (found for found in (_dict(item.get("button")).get("payload"), *replies) if isinstance(found, str)), None
    )


def _word(item: dict[str, Any], payload: str | None) -> Word | None:
    """STOP and START count wherever a person says them: typed, as a caption, as a button."""
    kind, said = item.get("type"), _text(item)
    if kind in {"button", "interactive"}:
        return button_intent(said, payload)
    return opt_out_intent(said) if kind == "text" or kind in CAPTIONED else None


def _confirms(item: dict[str, Any], payload: str | None) -> bool:
    kind = item.get("type")
    if kind in {"button", "interactive"}:
        return is_yes_button(_text(item), payload)
    return kind == "text" and is_yes(_text(item))


def _text(item: dict[str, Any]) -> str | None:
    """What a person reads of it."""
    kind = item.get("type")
    inner = _dict(item.get(kind)) if isinstance(kind, str) else {}
    found: Any = None
    if kind in {"text", "system"}:
        found = inner.get("body")
    elif kind == "button":
        found = inner.get("text")
    elif kind == "interactive":
        titles = [_dict(inner.get(reply)).get("title") for reply in REPLIES]
        found = next((title for title in titles if title), _dict(inner.get("nfm_reply")).get("body"))
    elif kind in CAPTIONED:
        found = inner.get("caption")
    elif kind == "reaction":
        found = inner.get("emoji")
    elif kind == "location":
        found = inner.get("name") or inner.get("address")
    elif kind == "order":
        found = inner.get("text")
    elif kind == "contacts":
        names = [_dict(_dict(card).get("name")).get("formatted_name") for card in as_list(item.get("contacts"))]
        found = ", ".join(name for name in names if isinstance(name, str))
    return found if isinstance(found, str) and found else None


def _wa_id(value: Any) -> str | None:
    """Digits alone; a value of another form is none."""
    found = read_text(value, MAX_WA_ID + 1)
    if found is None:
        return None
    found = found.removeprefix("+")
    return found if found.isascii() and found.isdigit() and len(found) <= MAX_WA_ID else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
