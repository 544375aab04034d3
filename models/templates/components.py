"""Reads what a template consists of: the formats of its headers, its cards, its buttons (docs/meta.md §5.6)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.tables.template import Template

MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
Component = Mapping[str, Any]


def word(part: Component, key: str) -> str:
    """A word of Meta's in capitals: types and formats come in any case."""
    return str(part.get(key) or "").upper()


def header_format(components: Sequence[Component]) -> str | None:
    """The format of the header (`TEXT`, `IMAGE`, `LOCATION`, `PRODUCT`, …); None if there is none."""
    for component in components:
        if word(component, "type") == "HEADER":
            return word(component, "format") or "TEXT"
    return None


def buttons_of(components: Sequence[Component]) -> list[Component]:
    """The buttons of the message, or of a card."""
    parts = [component for component in components if word(component, "type") == "BUTTONS"]
    return [button for part in parts for button in part.get("buttons") or ()]


def carousel_cards(components: Sequence[Component]) -> list[Component]:
    """The cards of the template; empty if it has no carousel."""
    parts = [component for component in components if word(component, "type") == "CAROUSEL"]
    return [card for part in parts for card in part.get("cards") or ()]


def card_components(components: Sequence[Component], card: int) -> Sequence[Component]:
    """The components of the card of this index. Beyond those of the template each is as its last one."""
    cards = carousel_cards(components)
    return (cards[min(card, len(cards) - 1)].get("components") or ()) if cards else ()


def is_product_carousel(components: Sequence[Component]) -> bool:
    """Whether its cards show products: then it is sent with 2 to 10 of them, whatever their number in the template."""
    return header_format(card_components(components, 0)) == "PRODUCT"


def card_count(components: Sequence[Component], cards_given: int | None) -> int:
    """How many cards a message has; `cards_given` are those of its content, None for the template alone."""
    own = len(carousel_cards(components))
    return cards_given if cards_given is not None and own and is_product_carousel(components) else own


def has_button(components: Sequence[Component], kind: str) -> bool:
    """Whether the message itself has a button of this kind."""
    return any(word(button, "type") == kind for button in buttons_of(components))


def offer_of(components: Sequence[Component]) -> Component | None:
    """What the template says about its limited-time offer; None if it has none."""
    for component in components:
        if word(component, "type") == "LIMITED_TIME_OFFER":
            offer = component.get("limited_time_offer")
            return offer if isinstance(offer, Mapping) else {}
    return None


def ends(offer: Component) -> bool:
    """Whether the phone shows when the offer ends."""
    return offer.get("has_expiration") is not False


_HEADERS = {"TEXT", "LOCATION", "PRODUCT", *MEDIA_FORMATS}
_COMPONENTS = {"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"}
_BUTTONS = {
    "QUICK_REPLY",
    "URL",
    "PHONE_NUMBER",
    "VOICE_CALL",
    "REQUEST_CONTACT_INFO",
    "COPY_CODE",
    "OTP",
    "FLOW",
    "CATALOG",
    "MPM",
    "SPM",
}


def unsupported_parts(template: Template) -> list[str]:
    """The parts of the template that a campaign cannot send, each once: kinds that Meta added since."""
    parts = list(_unsupported(template.components))
    for card in carousel_cards(template.components):
        parts += _unsupported(card.get("components") or ())
    return list(dict.fromkeys(parts))


def _unsupported(components: Sequence[Component]) -> Iterator[str]:
    for component in components:
        if (kind := word(component, "type")) not in _COMPONENTS:
            yield kind.lower() or "component without a type"
        elif kind == "CAROUSEL" and not component.get("cards"):
            yield "carousel without cards"
    header = header_format(components)
    if header is not None and header not in _HEADERS:
        yield f"{header.lower()} header"
    for button in buttons_of(components):
        if (kind := word(button, "type")) not in _BUTTONS:
            yield f"{kind.lower()} button"
