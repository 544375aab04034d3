"""Reads a template's buttons: what each says, and what a tap on it does."""

from collections.abc import Mapping
from typing import Any

from bot.preview.bubble import BubbleButton, ButtonKind
from bot.preview.filled_text import PLACEHOLDER, SlotValue
from bot.preview.shapes import kind_of, text_in
from bot.preview.template_values import TemplateValues
from bot.preview.words import PhoneWords

_KINDS = {
    "QUICK_REPLY": ButtonKind.QUICK_REPLY,
    "URL": ButtonKind.URL,
    "PHONE_NUMBER": ButtonKind.PHONE,
    "COPY_CODE": ButtonKind.COPY_CODE,
    "OTP": ButtonKind.COPY_CODE,
    "FLOW": ButtonKind.FLOW,
    "CATALOG": ButtonKind.CATALOG,
    "MPM": ButtonKind.ITEMS,
    "SPM": ButtonKind.PRODUCT,
    "VOICE_CALL": ButtonKind.CALL,
    "REQUEST_CONTACT_INFO": ButtonKind.CONTACT_INFO,
    "CALL_PERMISSION_REQUEST": ButtonKind.CALL_PERMISSION,
}
_FIXED = {"COPY_CODE", "REQUEST_CONTACT_INFO", "CALL_PERMISSION_REQUEST"}
"""Kinds whose label is WhatsApp's own, whatever the template says (docs/meta.md §2.3, §5.6)."""


def button_of(part: Mapping[str, Any], place: int, values: TemplateValues, words: PhoneWords) -> BubbleButton:
    """One button. `place`: its index in the template's list."""
    kind, value = kind_of(part), values.buttons.get(place)
    own = _own_title(kind, part, words)
    written = text_in(part, "text").strip()
    title = own if kind in _FIXED else written or own or kind.replace("_", " ").capitalize()
    payload = values.payloads.get(place, title if kind == "QUICK_REPLY" else "")
    return BubbleButton(_KINDS.get(kind, ButtonKind.OTHER), title, place, payload, _target(kind, part, value))


def _own_title(kind: str, part: Mapping[str, Any], words: PhoneWords) -> str:
    if kind == "OTP":
        return words.copy_code if kind_of(part, "otp_type") in ("", "COPY_CODE") else words.autofill
    return {
        "COPY_CODE": words.copy_offer,
        "REQUEST_CONTACT_INFO": words.share_contact,
        "CALL_PERMISSION_REQUEST": words.choose_permission,
        "CATALOG": words.view_catalog,
        "MPM": words.view_items,
        "SPM": words.view,
        "VOICE_CALL": words.call,
    }.get(kind, "")


def _target(kind: str, part: Mapping[str, Any], value: SlotValue | None) -> str:
    """Where a link leads, what is copied, or whom it calls; with the placeholder where its value is missing."""
    if kind == "URL":
        if value is not None and value.text.startswith(("http://", "https://")):
            return value.text  # an example may be the whole address
        return PLACEHOLDER.sub(lambda match: value.text if value and value.text else match[0], text_in(part, "url"))
    if kind == "PHONE_NUMBER":
        return text_in(part, "phone_number")
    return value.text if kind in ("COPY_CODE", "OTP") and value is not None else ""
