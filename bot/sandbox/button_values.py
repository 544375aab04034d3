"""Checks what a template message says about its buttons (docs/meta.md §2.3), written from Meta's facts."""

import re
from typing import Any

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.parameters import check_parameter, parameters_of
from bot.sandbox.template import fill, variables_in

NEEDED = {"COPY_CODE": "coupon_code", "MPM": "action", "OTP": "text"}
TAKEN = NEEDED | {"URL": "text", "QUICK_REPLY": "payload", "CATALOG": "action", "FLOW": "action"}
"""The type of the parameter of each kind of button; other kinds take none."""
ENCODED = re.compile(r"(?:[A-Za-z0-9._~/?&=-]|%[0-9A-Fa-f]{2})*")
MAX_URL, MAX_CODE, MAX_PAYLOAD = 2000, 15, 128
MAX_SECTIONS, MAX_PRODUCTS, MAX_SECTION_TITLE = 10, 30, 24


def check_buttons(buttons: list[dict[str, Any]], parts: list[dict[str, Any]], max_coupon: int, *, named: bool) -> None:
    """Check the button components of a send, or of a card, against the approved buttons."""
    sent: dict[int, dict[str, Any]] = {}
    for part in parts:
        index = str(part.get("index", ""))
        if not index.isdigit() or int(index) >= len(buttons):
            raise SandboxGraphError(132012, f"buttons: there is no button at index {index!r}")
        if int(index) in sent:
            raise SandboxGraphError(131009, f"buttons: index {index} is given twice")
        sent[int(index)] = part
    for place, button in enumerate(buttons):
        _check_button(place, button, sent.get(place), max_coupon, named=named)


def _check_button(
    place: int, button: dict[str, Any], part: dict[str, Any] | None, max_coupon: int, *, named: bool
) -> None:
    kind = str(button.get("type", "")).upper()
    is_fixed = kind == "URL" and not variables_in(str(button.get("url", "")))
    is_needed = kind in NEEDED or (kind == "URL" and not is_fixed)
    if part is None:
        if is_needed:
            raise SandboxGraphError(
                131008, f"buttons: Button at index {place} of type {kind.title()} requires a parameter"
            )
        return
    sub_type = str(part.get("sub_type", "")).upper()
    if kind not in TAKEN or sub_type != ("URL" if kind == "OTP" else kind):
        raise SandboxGraphError(132012, f"buttons: index {place} is of type {kind}, received {sub_type}")
    parameters = parameters_of([{"type": "button", "parameters": part.get("parameters", [])}], "button")
    if is_fixed:
        if parameters:
            raise SandboxGraphError(132000, f"buttons: index {place} is a fixed URL and takes no parameter")
        return
    if (is_needed and len(parameters) != 1) or any(item.get("type") != TAKEN[kind] for item in parameters):
        raise SandboxGraphError(132012, f"buttons: index {place} expects one parameter of type {TAKEN[kind]}")
    for item in parameters:
        _check_value(place, kind, button, item, max_coupon, named=named)


def _check_value(
    place: int, kind: str, button: dict[str, Any], item: dict[str, Any], max_coupon: int, *, named: bool
) -> None:
    if kind == "URL":
        _check_suffix(place, str(button.get("url", "")), item, named=named)
    elif kind == "OTP":
        check_parameter(f"buttons: index {place}", item)
        if len(item["text"]) > MAX_CODE:
            raise SandboxGraphError(131009, f"buttons: the code at index {place} is longer than {MAX_CODE} characters")
    elif kind == "QUICK_REPLY" and not 1 <= len(str(item.get("payload", ""))) <= MAX_PAYLOAD:
        raise SandboxGraphError(131009, f"buttons: payload at index {place} must have 1 to {MAX_PAYLOAD} characters")
    elif kind == "COPY_CODE" and not 1 <= len(str(item.get("coupon_code", ""))) <= max_coupon:
        raise SandboxGraphError(131009, f"buttons: coupon_code at index {place} must have 1 to {max_coupon} characters")
    elif TAKEN[kind] == "action":
        action = item.get("action")
        if not isinstance(action, dict):
            raise SandboxGraphError(131008, f"buttons: the action at index {place} is required, an object")
        _check_action(place, kind, action)


def _check_suffix(place: int, url: str, item: dict[str, Any], *, named: bool) -> None:
    check_parameter(f"buttons: index {place}", item)
    name = variables_in(url)[0]
    if named and item.get("parameter_name", name) != name:
        raise SandboxGraphError(132000, f"buttons: the parameter at index {place} has the name {name!r}")
    if not ENCODED.fullmatch(item["text"]):
        raise SandboxGraphError(131009, f"buttons: the text at index {place} must be percent-encoded")
    if len(fill(url, {name: item["text"]})) > MAX_URL:
        raise SandboxGraphError(132005, f"buttons: the URL at index {place} is longer than {MAX_URL} characters")


def _check_action(place: int, kind: str, action: dict[str, Any]) -> None:
    if kind == "FLOW":
        if not isinstance(action.get("flow_token", "unused"), str):
            raise SandboxGraphError(131009, f"buttons: flow_token at index {place} must be a string")
        if not isinstance(action.get("flow_action_data", {}), dict):
            raise SandboxGraphError(131009, f"buttons: flow_action_data at index {place} must be an object")
        return
    thumbnail = action.get("thumbnail_product_retailer_id")
    if not isinstance(thumbnail, str) or not thumbnail:
        raise SandboxGraphError(131008, f"buttons: thumbnail_product_retailer_id at index {place} is required")
    if kind == "MPM":
        _check_sections(place, action.get("sections"))


def _check_sections(place: int, sections: Any) -> None:
    if not isinstance(sections, list) or not all(isinstance(section, dict) for section in sections):
        raise SandboxGraphError(131008, f"buttons: sections at index {place} are required, an array of objects")
    if not 1 <= len(sections) <= MAX_SECTIONS:
        raise SandboxGraphError(131009, f"buttons: 1 to {MAX_SECTIONS} sections are allowed at index {place}")
    count = 0
    for section in sections:
        if not isinstance(section.get("title"), str) or not 1 <= len(section["title"]) <= MAX_SECTION_TITLE:
            raise SandboxGraphError(131009, f"buttons: a section's title has 1 to {MAX_SECTION_TITLE} characters")
        items = section.get("product_items")
        if not isinstance(items, list) or not items:
            raise SandboxGraphError(131008, "buttons: product_items of a section are required, an array")
        if not all(isinstance(item, dict) and item.get("product_retailer_id") for item in items):
            raise SandboxGraphError(131008, "buttons: every one of product_items needs product_retailer_id")
        count += len(items)
    if count > MAX_PRODUCTS:
        raise SandboxGraphError(131009, f"buttons: {count} products, at most {MAX_PRODUCTS} are allowed")
