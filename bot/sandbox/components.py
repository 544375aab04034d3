"""Checks the components of a template message against the approved template, as Meta does (docs/meta.md §2.3).

Codes: 132000 number of variables, 132012 type of a parameter, 132018 text that a parameter may not contain, 132005 too
long with its values, 131008 something missing, 131009 a value out of bounds, 100 an invalid shape.
"""

import re
from typing import Any

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.template import SandboxTemplate, buttons_of, fill, find_component, parameter_values, variables_in

MEDIA = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
FORBIDDEN = re.compile(r"[\n\r\t]| {5,}")
KNOWN = {"header", "body", "button", "carousel", "limited_time_offer", "footer"}
LIMITS = {"HEADER": 60, "BODY": 1024}
MAX_COUPON, MAX_OFFER_COUPON = 20, 15
NEEDED = {"COPY_CODE": "coupon_code", "MPM": "action"}


def check_components(template: SandboxTemplate, sent: Any, media_ids: set[str]) -> None:
    """Check the components of a send. Raises SandboxGraphError if they do not fit the template."""
    check_parts(template.components, as_parts(sent), named=template.named, media_ids=media_ids)


def as_parts(sent: Any) -> list[dict[str, Any]]:
    """Return the components of a send as a list, empty for None. Raises SandboxGraphError if they have another shape."""
    if sent is None:
        return []
    if not isinstance(sent, list) or not all(isinstance(part, dict) for part in sent):
        raise SandboxGraphError(100, "Param template['components'] must be an array of objects")
    for part in sent:
        if str(part.get("type", "")).lower() not in KNOWN:
            raise SandboxGraphError(
                100, f"Param template['components']: type {part.get('type')!r} is not one of {sorted(KNOWN)}"
            )
    return sent


def check_parts(
    approved: list[dict[str, Any]], parts: list[dict[str, Any]], *, named: bool, media_ids: set[str]
) -> None:
    """Check the components of a send, or of a carousel's card, against the approved ones."""
    _check_header(find_component(approved, "HEADER"), parameters_of(parts, "header"), named, media_ids)
    body = find_component(approved, "BODY")
    check_text("body", str(body.get("text", "")) if body else "", parameters_of(parts, "body"), named)
    offer = find_component(approved, "LIMITED_TIME_OFFER")
    sent_buttons = [part for part in parts if str(part["type"]).lower() == "button"]
    _check_buttons(buttons_of(approved), sent_buttons, MAX_OFFER_COUPON if offer else MAX_COUPON)
    _check_offer(offer, parameters_of(parts, "limited_time_offer"))
    _check_carousel(find_component(approved, "CAROUSEL"), parts, named, media_ids)


def parameters_of(parts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the parameters of the component of this kind, empty if there is none."""
    part = find_component(parts, kind.upper())
    parameters = part.get("parameters", []) if part else []
    if not isinstance(parameters, list) or not all(isinstance(item, dict) for item in parameters):
        raise SandboxGraphError(100, f"Param template['components'] {kind}: parameters must be an array of objects")
    return parameters


def check_text(where: str, text: str, parameters: list[dict[str, Any]], named: bool) -> None:
    """Check the number, names and values of the parameters of a header or body, and the length with them."""
    variables = variables_in(text)
    if len(parameters) != len(variables):
        raise SandboxGraphError(
            132000,
            f"{where}: number of localizable_params ({len(parameters)}) does not match "
            f"the expected number of params ({len(variables)})",
        )
    if named and {str(item.get("parameter_name")) for item in parameters} != set(variables):
        raise SandboxGraphError(132000, f"{where}: parameter names do not match, expected {', '.join(variables)}")
    for item in parameters:
        _check_parameter(where, item)
    filled = fill(text, parameter_values(parameters))
    if len(filled) > LIMITS[where.upper()]:
        raise SandboxGraphError(
            132005, f"{where}: {len(filled)} characters, at most {LIMITS[where.upper()]} are allowed"
        )


def _check_parameter(where: str, item: dict[str, Any]) -> None:
    kind = item.get("type")
    if kind in ("currency", "date_time"):
        if not isinstance(item.get(kind), dict) or not item[kind].get("fallback_value"):
            raise SandboxGraphError(131008, f"{where}: {kind} needs a fallback_value")
        return
    if kind != "text":
        raise SandboxGraphError(132012, f"{where}: expected a text parameter, received {kind!r}")
    text = item.get("text")
    if not isinstance(text, str):
        raise SandboxGraphError(131008, f"{where}: parameter of type text is missing its text value")
    if not text.strip() or FORBIDDEN.search(text):
        raise SandboxGraphError(
            132018,
            f"{where}: Param text cannot be empty or have new-line/tab characters or more than 4 consecutive spaces",
        )


def _check_header(
    header: dict[str, Any] | None, parameters: list[dict[str, Any]], named: bool, media: set[str]
) -> None:
    shape = str(header.get("format", "TEXT")).upper() if header else "TEXT"
    if shape == "TEXT":
        check_text("header", str(header.get("text", "")) if header else "", parameters, named)
        return
    if len(parameters) != 1 or parameters[0].get("type") != shape.lower():
        received = parameters[0].get("type") if parameters else "UNKNOWN"
        raise SandboxGraphError(132012, f"header: Format mismatch, expected {shape}, received {received}")
    value = parameters[0].get(shape.lower())
    if not isinstance(value, dict):
        raise SandboxGraphError(131008, f"header: parameter of type {shape.lower()} is missing its value")
    if shape in MEDIA:
        check_media(shape.lower(), value, media)
    elif shape == "LOCATION" and not {"latitude", "longitude"} <= value.keys():
        raise SandboxGraphError(131008, "header: location needs latitude and longitude")
    elif shape == "PRODUCT" and not value.get("product_retailer_id"):
        raise SandboxGraphError(131008, "header: product needs product_retailer_id")


def check_media(kind: str, value: dict[str, Any], media_ids: set[str]) -> None:
    """Check that media has exactly one of ``id`` (uploaded here) and ``link`` (http or https)."""
    if ("id" in value) == ("link" in value):
        raise SandboxGraphError(131008, f"{kind}: exactly one of id and link is required")
    if "link" in value and not str(value["link"]).startswith(("http://", "https://")):
        raise SandboxGraphError(131009, f"{kind}: link must be an http or https URL")
    if "id" in value and str(value["id"]) not in media_ids:
        raise SandboxGraphError(100, f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID")


def _check_buttons(buttons: list[dict[str, Any]], parts: list[dict[str, Any]], max_coupon: int) -> None:
    sent: dict[int, dict[str, Any]] = {}
    for part in parts:
        index = str(part.get("index", ""))
        if not index.isdigit() or int(index) >= len(buttons):
            raise SandboxGraphError(132012, f"buttons: there is no button at index {index!r}")
        if int(index) in sent:
            raise SandboxGraphError(131009, f"buttons: index {index} is given twice")
        sent[int(index)] = part
    for place, button in enumerate(buttons):
        kind = str(button.get("type", "")).upper()
        _check_button(place, kind, button, sent.get(place), max_coupon)


def _check_button(place: int, kind: str, button: dict[str, Any], part: dict[str, Any] | None, max_coupon: int) -> None:
    required_type = (
        "text"
        if kind in ("URL", "OTP") and (kind == "OTP" or variables_in(str(button.get("url", ""))))
        else NEEDED.get(kind)
    )
    if part is None:
        if required_type:
            raise SandboxGraphError(
                131008, f"buttons: Button at index {place} of type {kind.title()} requires a parameter"
            )
        return
    sub_type = str(part.get("sub_type", "")).upper()
    if sub_type != ("URL" if kind == "OTP" else kind):
        raise SandboxGraphError(132012, f"buttons: index {place} is of type {kind}, received {sub_type}")
    parameters = parameters_of([{"type": "button", "parameters": part.get("parameters", [])}], "button")
    if required_type and (len(parameters) != 1 or parameters[0].get("type") != required_type):
        raise SandboxGraphError(132012, f"buttons: index {place} expects one parameter of type {required_type}")
    if kind == "URL" and not required_type and parameters:
        raise SandboxGraphError(132000, f"buttons: index {place} is a fixed URL and takes no parameter")
    for item in parameters:
        _check_button_value(place, button, item, max_coupon)


def _check_button_value(place: int, button: dict[str, Any], item: dict[str, Any], max_coupon: int) -> None:
    kind = item.get("type")
    if kind == "text":
        _check_parameter(f"buttons: index {place}", item)
        if len(fill(str(button.get("url", "")), {"1": item["text"]})) > 2000:
            raise SandboxGraphError(132005, f"buttons: the URL at index {place} is longer than 2000 characters")
    elif kind == "payload" and not 1 <= len(str(item.get("payload", ""))) <= 128:
        raise SandboxGraphError(131009, f"buttons: payload at index {place} must have 1 to 128 characters")
    elif kind == "coupon_code" and not 1 <= len(str(item.get("coupon_code", ""))) <= max_coupon:
        raise SandboxGraphError(131009, f"buttons: coupon_code at index {place} must have 1 to {max_coupon} characters")


def _check_offer(offer: dict[str, Any] | None, parameters: list[dict[str, Any]]) -> None:
    if offer is None and not parameters:
        return
    value = parameters[0].get("limited_time_offer") if len(parameters) == 1 else None
    if offer is None or not isinstance(value, dict) or not isinstance(value.get("expiration_time_ms"), int):
        raise SandboxGraphError(
            131008, "limited_time_offer: one parameter with an integer expiration_time_ms is required"
        )


def _check_carousel(
    carousel: dict[str, Any] | None, parts: list[dict[str, Any]], named: bool, media_ids: set[str]
) -> None:
    sent = find_component(parts, "CAROUSEL")
    if carousel is None and sent is None:
        return
    cards = sent.get("cards") if sent else None
    approved_cards = carousel.get("cards", []) if carousel else []
    if (
        not isinstance(cards, list)
        or len(cards) != len(approved_cards)
        or not all(isinstance(card, dict) for card in cards)
    ):
        raise SandboxGraphError(132012, f"carousel: {len(approved_cards)} cards are expected")
    for approved_card, card in zip(approved_cards, cards, strict=True):
        check_parts(approved_card["components"], as_parts(card.get("components")), named=named, media_ids=media_ids)
