"""Makes the bubble of an interactive message: buttons, lists, links, products, carousels, flows, requests, and the answers."""

from collections.abc import Mapping
from typing import Any

from bot.preview.bubble import (
    Bubble,
    BubbleButton,
    BubbleCard,
    ButtonKind,
    ChoiceSheet,
    Header,
    ListRow,
    ListSection,
    TextTitle,
)
from bot.preview.filled_text import FilledText
from bot.preview.headers import (
    catalog_header,
    collection_header,
    medium_header,
    product_header,
    product_sheet,
    references_of,
)
from bot.preview.pictures import Pictures
from bot.preview.shapes import object_in, objects_in, text_in
from bot.preview.template import MAX_CARDS
from bot.preview.template_values import sections_of
from bot.preview.words import PhoneWords

_PLAIN = {"button", "list", "cta_url", "carousel", "flow", "location_request_message", "request_contact_info",
          "call_permission_request", "voice_call", "address_message", "product", "product_list", "catalog_message"}  # fmt: skip
_ANSWERS = {"button_reply", "list_reply", "nfm_reply", "call_permission_reply"}


def interactive_bubble(part: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> Bubble:
    """The bubble of an `interactive` object; one of an unknown kind keeps its texts and names the kind."""
    kind, action = text_in(part, "type").lower(), object_in(part, "action")
    if kind in _ANSWERS:
        return _answer(kind, object_in(part, kind))
    return Bubble(
        header=_product_header(kind, part, action, pictures, words)
        or _header(object_in(part, "header"), pictures, words),
        body=FilledText(text_in(object_in(part, "body"), "text")),
        footer=FilledText(text_in(object_in(part, "footer"), "text")),
        buttons=_buttons(kind, action, words),
        sheet=_sheet(kind, action, pictures, words),
        cards=_cards(action, pictures, words) if kind == "carousel" else (),
        notice="" if kind in _PLAIN else words.unsupported.format(kind=(kind or "?").replace("_", " ").capitalize()),
    )


def _answer(kind: str, reply: Mapping[str, Any]) -> Bubble:
    text = text_in(reply, "title", "body", "response") or kind.replace("_", " ")
    return Bubble(body=FilledText(text), footer=FilledText(text_in(reply, "description")))


def _header(header: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> Header | None:
    kind = text_in(header, "type").lower()
    part = object_in(header, kind)
    medium = medium_header(kind, references_of(part), text_in(part, "filename"), pictures, words)
    if medium is not None:
        return medium
    text = text_in(header, "text")
    return TextTitle(FilledText(text)) if text else None


def _product_header(
    kind: str, part: Mapping[str, Any], action: Mapping[str, Any], pictures: Pictures, words: PhoneWords
) -> Header | None:
    if kind == "product":
        return product_header(text_in(action, "product_retailer_id"), pictures, words)
    if kind == "product_list":
        skus = [sku for _, skus in sections_of(objects_in(action, "sections")) for sku in skus]
        title = FilledText(text_in(object_in(part, "header"), "text"))
        return collection_header(title, skus, "", pictures)
    if kind == "catalog_message":
        sku = text_in(object_in(action, "parameters"), "thumbnail_product_retailer_id")
        return catalog_header(sku, pictures, words)
    return None


def _buttons(kind: str, action: Mapping[str, Any], words: PhoneWords) -> tuple[BubbleButton, ...]:
    parameters = object_in(action, "parameters")
    if kind == "button":
        return _replies(action, "reply")
    if kind == "cta_url":
        return (_link(parameters),)
    single: dict[str, tuple[ButtonKind, str]] = {
        "flow": (ButtonKind.FLOW, text_in(parameters, "flow_cta")),
        "location_request_message": (ButtonKind.LOCATION, words.send_location),
        "request_contact_info": (ButtonKind.CONTACT_INFO, words.share_contact),
        "call_permission_request": (ButtonKind.CALL_PERMISSION, words.choose_permission),
        "voice_call": (ButtonKind.CALL, text_in(parameters, "display_text") or words.call),
        "address_message": (ButtonKind.ADDRESS, words.give_address),
        "product": (ButtonKind.PRODUCT, words.view),
        "product_list": (ButtonKind.ITEMS, words.view_items),
        "catalog_message": (ButtonKind.CATALOG, words.view_catalog),
    }
    found = single.get(kind)
    return (BubbleButton(found[0], found[1], 0),) if found else ()


def _replies(action: Mapping[str, Any], name: str) -> tuple[BubbleButton, ...]:
    replies = (object_in(button, name) for button in objects_in(action, "buttons"))
    return tuple(
        BubbleButton(ButtonKind.QUICK_REPLY, text_in(reply, "title"), place, text_in(reply, "id"))
        for place, reply in enumerate(replies)
    )


def _link(parameters: Mapping[str, Any]) -> BubbleButton:
    return BubbleButton(ButtonKind.URL, text_in(parameters, "display_text"), 0, target=text_in(parameters, "url"))


def _sheet(kind: str, action: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> ChoiceSheet | None:
    sections = objects_in(action, "sections")
    if kind == "product_list":
        return product_sheet(sections_of(sections), pictures, words)
    if kind != "list":
        return None
    drawn = (
        ListSection(
            text_in(section, "title"),
            tuple(
                ListRow(text_in(row, "title"), text_in(row, "description"), text_in(row, "id"))
                for row in objects_in(section, "rows")
            ),
        )
        for section in sections
    )
    return ChoiceSheet(text_in(action, "button"), tuple(drawn))


def _cards(action: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> tuple[BubbleCard, ...]:
    cards = objects_in(action, "cards")[:MAX_CARDS]
    return tuple(_card(place, card, pictures, words) for place, card in enumerate(cards))


def _card(place: int, card: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> BubbleCard:
    action = object_in(card, "action")
    if sku := text_in(action, "product_retailer_id"):
        button = BubbleButton(ButtonKind.PRODUCT, words.view, 0)
        return BubbleCard(place, product_header(sku, pictures, words), FilledText(""), (button,))
    parameters = object_in(action, "parameters")
    buttons = _replies(action, "quick_reply") or ((_link(parameters),) if parameters else ())
    header = _header(object_in(card, "header"), pictures, words)
    return BubbleCard(place, header, FilledText(text_in(object_in(card, "body"), "text")), buttons)
