"""The values of a template's placeholders, and where they come from: a template's examples, or the `template` object of a send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.preview.filled_text import SlotState, SlotValue, placeholders_in
from bot.preview.headers import references_of
from bot.preview.shapes import kind_of, number_in, object_in, objects, objects_in, text_in

Values = Mapping[str, SlotValue]
MEDIA = ("image", "video", "gif", "document")


@dataclass(frozen=True, slots=True)
class TemplateValues:
    """What fills a template, or a card of one. Anything may be left out: it is drawn as missing.

    `header`, `body`: by the placeholder's number or name. `buttons`: by index, a URL's suffix or the coupon code. `payloads`:
    by index, what a tap on a quick reply sends. `medium`: the references under which the picture may be known.
    `offer_code`: the code of a limited-time offer, where it is not the value of its button.
    `expires_at`: in seconds since 1970. `sections`: title and SKUs of a multi-product message.
    """

    header: Values = field(default_factory=dict)
    body: Values = field(default_factory=dict)
    buttons: Mapping[int, SlotValue] = field(default_factory=dict)
    payloads: Mapping[int, str] = field(default_factory=dict)
    medium: tuple[str, ...] = ()
    file_name: str = ""
    location: Mapping[str, Any] = field(default_factory=dict)
    sku: str = ""
    thumbnail_sku: str = ""
    offer_code: SlotValue | None = None
    sections: Sequence[tuple[str, Sequence[str]]] = ()
    expires_at: float | None = None
    cards: Sequence["TemplateValues"] | None = None
    """None: as many cards as the template has, without values."""


def example_values(components: Any) -> TemplateValues:
    """The examples with which a template was, or will be, submitted (docs/meta.md §5.6)."""
    header: Mapping[str, SlotValue] = {}
    body: Mapping[str, SlotValue] = {}
    buttons: dict[int, SlotValue] = {}
    medium: tuple[str, ...] = ()
    cards: list[TemplateValues] | None = None
    for part in objects(components):
        kind, example = kind_of(part), object_in(part, "example")
        if kind == "HEADER":
            header = _text_examples(example, "header", text_in(part, "text"))
            handles = example.get("header_handle")
            medium = tuple(str(handle) for handle in handles) if isinstance(handles, list) else ()
        elif kind == "BODY":
            body = _text_examples(example, "body", text_in(part, "text"))
        elif kind == "BUTTONS":
            buttons = _button_examples(part)
        elif kind == "CAROUSEL":
            cards = [_card_examples(card) for card in objects_in(part, "cards")]
    return TemplateValues(header=header, body=body, buttons=buttons, medium=medium, cards=cards)


def values_by_place(
    places: Mapping[str, Mapping[str, SlotValue]],
    *,
    media: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
    card_count: int | None = None,
) -> TemplateValues:
    """The values of a campaign's message, kept by place and key: `body` → `1`, `cards.0.buttons` → `1`, `offer` → `code`.

    `media` and `content` are the campaign's: what its message has besides, in the form of the campaign file.
    """
    more = content or {}
    cards, products, offer = objects_in(more, "cards"), object_in(more, "products"), object_in(more, "offer")
    count = len(cards) or card_count
    buttons = _by_index(places.get("buttons"))
    code = (places.get("offer") or {}).get("code")
    sections = [
        (text_in(section, "title"), [str(sku) for sku in section.get("skus") or () if isinstance(sku, str)])
        for section in objects_in(products, "sections")
    ]
    return TemplateValues(
        header=places.get("header") or {},
        body=places.get("body") or {},
        buttons=buttons,
        offer_code=code,
        medium=medium_references(object_in(media, "header")),
        file_name=text_in(object_in(media, "header"), "filename", "file"),
        location=object_in(more, "location"),
        sku=text_in(products, "sku"),
        thumbnail_sku=text_in(more, "thumbnail_sku"),
        sections=sections,
        expires_at=_seconds(text_in(offer, "expires_at")),
        cards=None if count is None else [_card_values(place, cards, places) for place in range(count)],
    )


def medium_references(medium: Any) -> tuple[str, ...]:
    """What names a medium in a campaign: a stored file, Meta's id or a link."""
    return tuple(text for name in ("sha256", "id", "link") if (text := text_in(medium, name)))


def _card_values(
    place: int, cards: list[Mapping[str, Any]], places: Mapping[str, Mapping[str, SlotValue]]
) -> TemplateValues:
    card = cards[place] if place < len(cards) else {}
    header = object_in(object_in(card, "media"), "header")
    return TemplateValues(
        header=places.get(f"cards.{place}.header") or {},
        body=places.get(f"cards.{place}.body") or {},
        buttons=_by_index(places.get(f"cards.{place}.buttons")),
        medium=medium_references(header),
        file_name=text_in(header, "filename", "file"),
        sku=text_in(object_in(card, "product"), "sku"),
    )


def _by_index(values: Mapping[str, SlotValue] | None) -> dict[int, SlotValue]:
    return {int(key): value for key, value in (values or {}).items() if key.isascii() and key.isdigit()}


def _seconds(moment: str) -> float | None:
    """Seconds since 1970 of a time in ISO 8601; None if it is none, or has no offset."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None


def sent_values(template: Any) -> TemplateValues:
    """The values of the `template` object of a message that was sent (docs/meta.md §2.3)."""
    return _sent(objects_in(template, "components"), is_card=False)


def _card_examples(card: Mapping[str, Any]) -> TemplateValues:
    return example_values([part for part in objects_in(card, "components") if kind_of(part) != "CAROUSEL"])


def _text_examples(example: Mapping[str, Any], component: str, text: str) -> dict[str, SlotValue]:
    """Examples come as a list of lists, a flat list, a plain text for one variable, or by name."""
    named = objects_in(example, f"{component}_text_named_params")
    if named:
        return {text_in(item, "param_name"): _example(text_in(item, "example")) for item in named}
    given = example.get(f"{component}_text")
    if isinstance(given, list) and given and isinstance(given[0], list):
        given = given[0]
    texts = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    names = placeholders_in(text)
    is_positional = all(name.isdigit() for name in names)
    keys = [str(place) for place in range(1, len(texts) + 1)] if is_positional else names
    return {key: _example(str(value)) for key, value in zip(keys, texts, strict=False)}


def _button_examples(part: Mapping[str, Any]) -> dict[int, SlotValue]:
    values = {}
    for place, button in enumerate(objects_in(part, "buttons")):
        given = button.get("example")
        text = given if isinstance(given, str) else str(given[0]) if isinstance(given, list) and given else ""
        if text:
            values[place] = _example(text)
    return values


def _example(text: str) -> SlotValue:
    return SlotValue(text, SlotState.EXAMPLE)


def _sent(parts: list[Mapping[str, Any]], *, is_card: bool) -> TemplateValues:
    header: Mapping[str, SlotValue] = {}
    body: Mapping[str, SlotValue] = {}
    buttons: dict[int, SlotValue] = {}
    payloads: dict[int, str] = {}
    found: dict[str, Any] = {}
    for part in parts:
        kind, parameters = kind_of(part), objects_in(part, "parameters")
        if kind == "HEADER":
            header = _sent_texts(parameters)
            found |= _sent_header(parameters)
        elif kind == "BODY":
            body = _sent_texts(parameters)
        elif kind == "BUTTON":
            place = int(number_in(part, "index") or 0)
            for item in parameters:
                _read_button(item, place, buttons, payloads, found)
        elif kind == "LIMITED_TIME_OFFER" and parameters:
            milliseconds = number_in(object_in(parameters[0], "limited_time_offer"), "expiration_time_ms")
            found["expires_at"] = milliseconds / 1000 if milliseconds is not None else None
        elif kind == "CAROUSEL" and not is_card:
            cards = sorted(objects_in(part, "cards"), key=lambda card: number_in(card, "card_index") or 0)
            found["cards"] = [_sent(objects_in(card, "components"), is_card=True) for card in cards]
    return TemplateValues(header=header, body=body, buttons=buttons, payloads=payloads, **found)


def _sent_texts(parameters: list[Mapping[str, Any]]) -> dict[str, SlotValue]:
    values = {}
    for place, item in enumerate(parameters, start=1):
        kind = text_in(item, "type").lower()
        nested = text_in(object_in(item, kind), "fallback_value") if kind in ("currency", "date_time") else ""
        text = text_in(item, "text") or nested
        values[text_in(item, "parameter_name") or str(place)] = SlotValue(text, SlotState.SENT)
    return values


def _sent_header(parameters: list[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in parameters:
        kind = text_in(item, "type").lower()
        value = object_in(item, kind)
        if kind in MEDIA:
            found |= {"medium": references_of(value), "file_name": text_in(value, "filename")}
        elif kind == "location":
            found["location"] = value
        elif kind == "product":
            found["sku"] = text_in(value, "product_retailer_id")
    return found


def _read_button(
    item: Mapping[str, Any], place: int, buttons: dict[int, SlotValue], payloads: dict[int, str], found: dict[str, Any]
) -> None:
    if payload := text_in(item, "payload"):
        payloads[place] = payload
    if text := text_in(item, "text", "coupon_code"):
        buttons[place] = SlotValue(text, SlotState.SENT)
    action = object_in(item, "action")
    if thumbnail := text_in(action, "thumbnail_product_retailer_id"):
        found["thumbnail_sku"] = thumbnail
    if sections := objects_in(action, "sections"):
        found["sections"] = sections_of(sections)


def sections_of(sections: list[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Title and SKUs of the sections of a message with several products."""
    return [
        (
            text_in(section, "title"),
            [text_in(item, "product_retailer_id") for item in objects_in(section, "product_items")],
        )
        for section in sections
    ]
