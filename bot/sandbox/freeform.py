"""Checks free-form messages as Meta does: shapes and lengths of texts, media, buttons and lists (docs/meta.md §2.4, §2.5).

Codes: 131008 a missing part, 100 a text that is too long, 131009 a value out of bounds in an interactive message.
"""

from typing import Any

from bot.sandbox.components import check_media
from bot.sandbox.errors import SandboxGraphError

MEDIA = ("image", "video", "audio", "document", "sticker")
OTHER = ("contacts", "location", "reaction", "text", "interactive")
LOOSE = (
    "flow", "location_request_message", "product", "product_list", "catalog_message", "address_message", "carousel",
    "voice_call", "call_permission_request", "request_contact_info",
)  # fmt: skip


def check_freeform(kind: str, body: dict[str, Any], media_ids: set[str]) -> None:
    """Check ``body[kind]``. Raises SandboxGraphError if Meta would refuse the message."""
    part = body.get(kind)
    if kind not in MEDIA + OTHER:
        raise SandboxGraphError(
            100, f"Param type must be one of {sorted({*MEDIA, *OTHER, 'template'})} - got {kind!r}."
        )
    if kind == "contacts":
        if not isinstance(part, list) or not part or not all(_has_name(item) for item in part):
            raise SandboxGraphError(131008, "contacts: each needs name.formatted_name")
        return
    if not isinstance(part, dict):
        raise SandboxGraphError(131008, f"The parameter {kind} is required.")
    if kind in MEDIA:
        check_media(kind, part, media_ids)
        _check_max_length(f"{kind}['caption']", part.get("caption"), 1024)
    elif kind == "text":
        if not isinstance(part.get("body"), str) or not part["body"]:
            raise SandboxGraphError(131008, "The parameter text['body'] is required.")
        _check_max_length("text['body']", part["body"], 4096)
    elif kind == "location" and not {"latitude", "longitude"} <= part.keys():
        raise SandboxGraphError(131008, "location: latitude and longitude are required")
    elif kind == "reaction" and not part.get("message_id"):
        raise SandboxGraphError(131008, "The parameter reaction['message_id'] is required.")
    elif kind == "interactive":
        _check_interactive(part, media_ids)


def _has_name(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), dict) and bool(item["name"].get("formatted_name"))


def _check_max_length(where: str, text: Any, limit: int) -> None:
    if text is not None and len(str(text)) > limit:
        raise SandboxGraphError(100, f"Param {where} must be at most {limit} characters long.")


def _check_length(where: str, text: Any, limit: int, *, needed: bool = True) -> None:
    if text is None and not needed:
        return
    if not isinstance(text, str) or not 1 <= len(text) <= limit:
        raise SandboxGraphError(131009, f"{where}: length is invalid. Min length: 1, Max length: {limit}")


def _check_interactive(part: dict[str, Any], media_ids: set[str]) -> None:
    kind, action = part.get("type"), part.get("action")
    if kind in LOOSE:
        return
    if kind not in ("button", "list", "cta_url"):
        raise SandboxGraphError(131009, f"interactive: type {kind!r} is not supported")
    if not isinstance(action, dict):
        raise SandboxGraphError(131008, "The parameter interactive['action'] is required.")
    _check_length("Body text", _text_of(part, "body"), 4096 if kind == "list" else 1024)
    if "footer" in part:
        _check_length("Footer text", _text_of(part, "footer"), 60)
    _check_header(part.get("header"), kind, media_ids)
    if kind == "button":
        _check_reply_buttons(action.get("buttons"))
    elif kind == "list":
        _check_list(action)
    else:
        _check_link(action)


def _text_of(part: dict[str, Any], name: str) -> Any:
    inner = part.get(name)
    return inner.get("text") if isinstance(inner, dict) else None


def _check_header(header: Any, kind: str, media_ids: set[str]) -> None:
    if header is None:
        return
    shape = header.get("type") if isinstance(header, dict) else None
    if shape == "text":
        _check_length("Header text", header.get("text"), 60)
    elif kind == "list" or shape not in ("image", "video", "document"):
        raise SandboxGraphError(131009, f"Header type {shape!r} is not valid for this message")
    elif not isinstance(header.get(shape), dict):
        raise SandboxGraphError(131008, f"The parameter header['{shape}'] is required.")
    else:
        check_media(str(shape), header[shape], media_ids)


def _check_reply_buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise SandboxGraphError(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    replies = [button.get("reply") if isinstance(button, dict) else None for button in buttons]
    for button, reply in zip(buttons, replies, strict=True):
        if not isinstance(reply, dict) or button.get("type") != "reply":
            raise SandboxGraphError(131009, "Buttons must be of type reply")
        _check_length("Button title", reply.get("title"), 20)
        _check_length("Button id", reply.get("id"), 256)
    for name in ("id", "title"):
        if len({reply[name] for reply in replies if reply}) < len(replies):
            raise SandboxGraphError(131009, f"Button {name}s must be unique")


def _check_list(action: dict[str, Any]) -> None:
    _check_length("List button", action.get("button"), 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10 or not all(isinstance(s, dict) for s in sections):
        raise SandboxGraphError(131009, "Invalid sections count. Min allowed: 1, Max allowed: 10")
    rows = []
    for section in sections:
        _check_length("Section title", section.get("title"), 24, needed=len(sections) > 1)
        section_rows = section.get("rows")
        if (
            not isinstance(section_rows, list)
            or not section_rows
            or not all(isinstance(row, dict) for row in section_rows)
        ):
            raise SandboxGraphError(131009, "Each section needs at least one row")
        rows += section_rows
    if len(rows) > 10:
        raise SandboxGraphError(131009, f"Total row count exceed max allowed count: 10 (got {len(rows)})")
    for row in rows:
        _check_length("Row title", row.get("title"), 24)
        _check_length("Row id", row.get("id"), 200)
        _check_length("Row description", row.get("description"), 72, needed=False)
    if len({row["id"] for row in rows}) < len(rows):
        raise SandboxGraphError(131009, "Row ids must be unique")


def _check_link(action: dict[str, Any]) -> None:
    parameters = action.get("parameters")
    if action.get("name") != "cta_url" or not isinstance(parameters, dict):
        raise SandboxGraphError(131008, "cta_url: action name and parameters are required")
    _check_length("Display text", parameters.get("display_text"), 20)
    if not str(parameters.get("url", "")).startswith(("http://", "https://")):
        raise SandboxGraphError(131009, "cta_url: url must be an http or https URL")
