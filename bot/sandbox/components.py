"""Checks the components of a template message against the approved template, as Meta does (docs/meta.md §2.3).

Codes: 132000 number of variables, 132012 type of a parameter, 132018 text that a parameter may not contain, 132005 too
long with its values, 131008 something missing, 131009 a value out of bounds, 100 an invalid shape.
"""

import time
from typing import Any

from bot.sandbox.button_values import check_buttons
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.parameters import check_parameter, parameters_of
from bot.sandbox.template import SandboxTemplate, buttons_of, fill, find_component, parameter_values, variables_in

MEDIA = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
KNOWN = {"header", "body", "button", "carousel", "limited_time_offer", "footer"}
MAX_HEADER, MAX_BODY, MAX_OFFER_BODY, MAX_CARD_BODY, MAX_PRODUCT_BODY = 60, 1024, 600, 160, 160
MAX_COUPON, MAX_OFFER_COUPON = 20, 15
MIN_CARDS, MAX_CARDS = 2, 10


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
    approved: list[dict[str, Any]],
    parts: list[dict[str, Any]],
    *,
    named: bool,
    media_ids: set[str],
    is_card: bool = False,
) -> None:
    """Check the components of a send, or of a carousel's card, against the approved ones."""
    _check_header(find_component(approved, "HEADER"), parameters_of(parts, "header"), named, media_ids)
    body = find_component(approved, "BODY")
    offer = find_component(approved, "LIMITED_TIME_OFFER")
    buttons = buttons_of(approved)
    most = MAX_CARD_BODY if is_card else MAX_OFFER_BODY if offer else MAX_BODY
    if any(str(button.get("type", "")).upper() == "SPM" for button in buttons):
        most = MAX_PRODUCT_BODY
    text = str(body.get("text", "")) if body else ""
    if body is not None and "add_security_recommendation" in body:
        text = text or "{{1}}"  # the text is Meta's own
    check_text("body", text, parameters_of(parts, "body"), named, most)
    sent_buttons = [part for part in parts if str(part["type"]).lower() == "button"]
    check_buttons(buttons, sent_buttons, MAX_OFFER_COUPON if offer else MAX_COUPON, named=named)
    _check_offer(offer, parameters_of(parts, "limited_time_offer"))
    _check_carousel(find_component(approved, "CAROUSEL"), parts, named, media_ids)


def check_text(where: str, text: str, parameters: list[dict[str, Any]], named: bool, most: int) -> None:
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
        check_parameter(where, item)
    filled = fill(text, parameter_values(parameters))
    if len(filled) > most:
        raise SandboxGraphError(132005, f"{where}: {len(filled)} characters, at most {most} are allowed")


def _check_header(
    header: dict[str, Any] | None, parameters: list[dict[str, Any]], named: bool, media: set[str]
) -> None:
    shape = str(header.get("format", "TEXT")).upper() if header else "TEXT"
    if shape == "TEXT":
        check_text("header", str(header.get("text", "")) if header else "", parameters, named, MAX_HEADER)
        return
    if len(parameters) != 1 or parameters[0].get("type") != shape.lower():
        received = parameters[0].get("type") if parameters else "UNKNOWN"
        raise SandboxGraphError(132012, f"header: Format mismatch, expected {shape}, received {received}")
    value = parameters[0].get(shape.lower())
    if not isinstance(value, dict):
        raise SandboxGraphError(131008, f"header: parameter of type {shape.lower()} is missing its value")
    if shape in MEDIA:
        check_media(shape.lower(), value, media)
    elif shape == "LOCATION":
        _check_location(value)
    elif shape == "PRODUCT":
        _check_product(value)


def _check_location(value: dict[str, Any]) -> None:
    for key, most in (("latitude", 90), ("longitude", 180)):
        if value.get(key) in (None, ""):
            raise SandboxGraphError(131008, f"header: location is missing its {key}")
        try:
            degrees = float(value[key])
        except (TypeError, ValueError):
            raise SandboxGraphError(131009, f"header: {key} is not a number") from None
        if not -most <= degrees <= most:
            raise SandboxGraphError(131009, f"header: {key} must be from -{most} to {most}")


def _check_product(value: dict[str, Any]) -> None:
    for key in ("product_retailer_id", "catalog_id"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise SandboxGraphError(131008, f"header: product needs {key}")


def check_media(kind: str, value: dict[str, Any], media_ids: set[str]) -> None:
    """Check that media has exactly one of ``id`` (uploaded here) and ``link`` (http or https)."""
    if ("id" in value) == ("link" in value):
        raise SandboxGraphError(131008, f"{kind}: exactly one of id and link is required")
    if "link" in value and not str(value["link"]).startswith(("http://", "https://")):
        raise SandboxGraphError(131009, f"{kind}: link must be an http or https URL")
    if "id" in value and str(value["id"]) not in media_ids:
        raise SandboxGraphError(100, f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID")


def _check_offer(offer: dict[str, Any] | None, parameters: list[dict[str, Any]]) -> None:
    if offer is None and not parameters:
        return
    if offer is None:
        raise SandboxGraphError(132012, "limited_time_offer: the template has no limited-time offer")
    about = offer.get("limited_time_offer")
    if isinstance(about, dict) and about.get("has_expiration") is False and not parameters:
        return
    value = parameters[0].get("limited_time_offer") if len(parameters) == 1 else None
    ends_at = value.get("expiration_time_ms") if isinstance(value, dict) else None
    if not isinstance(ends_at, int) or isinstance(ends_at, bool):
        raise SandboxGraphError(
            131008, "limited_time_offer: one parameter with an integer expiration_time_ms is required"
        )
    if ends_at <= time.time() * 1000:
        raise SandboxGraphError(131009, "limited_time_offer: expiration_time_ms must be in the future")


def _check_carousel(
    carousel: dict[str, Any] | None, parts: list[dict[str, Any]], named: bool, media_ids: set[str]
) -> None:
    sent = find_component(parts, "CAROUSEL")
    if carousel is None:
        if sent is not None:
            raise SandboxGraphError(132012, "carousel: the template has no carousel")
        return
    cards = sent.get("cards") if sent else None
    approved_cards = carousel.get("cards", [])
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards):
        raise SandboxGraphError(131008, "carousel: cards are required, an array of objects")
    header = find_component(approved_cards[0]["components"], "HEADER") if approved_cards else None
    is_of_products = header is not None and str(header.get("format", "")).upper() == "PRODUCT"
    if is_of_products and not MIN_CARDS <= len(cards) <= MAX_CARDS:
        raise SandboxGraphError(132012, f"carousel: {MIN_CARDS} to {MAX_CARDS} cards are expected")
    if not is_of_products and len(cards) != len(approved_cards):
        raise SandboxGraphError(132012, f"carousel: {len(approved_cards)} cards are expected")
    if [card.get("card_index") for card in cards] != list(range(len(cards))):
        raise SandboxGraphError(131009, "carousel: card_index must count up from 0")
    for place, card in enumerate(cards):
        model = approved_cards[min(place, len(approved_cards) - 1)]
        check_parts(
            model["components"], as_parts(card.get("components")), named=named, media_ids=media_ids, is_card=True
        )
