"""Converts the campaign form's fields of cards, products, offer, place and a form's data to the campaign file, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from models.tables.template import Template
from models.templates.components import (
    MEDIA_FORMATS,
    card_components,
    carousel_cards,
    has_button,
    header_format,
    is_product_carousel,
    offer_of,
)
from models.templates.content import FLOW_DATA, OFFER, OFFER_CODE, MessageContent, card_place
from models.templates.content_problems import MAX_CARDS, MAX_SECTIONS, MIN_CARDS
from models.templates.slots import COMPONENTS, TemplateSlot, template_slots

CONTENT_FIELDS = ("cards", "products", "thumbnail_sku", "offer", "location", "flow_data")
VALUE_FORMATS = [
    ("upper", "in capitals"),
    ("lower", "in small letters"),
    ("title", "with a capital a word"),
    ("date", "as a date"),
    ("money", "as money"),
]
Sources = Mapping[str, Mapping[str, Any]]
"""The sources of the form by place and key."""


def read_content(form: Any, sources: Sources, time_zone: str) -> dict[str, Any]:
    """Read the fields of the campaign file besides variables and media of the message. Empty fields are left out.

    A time is in `time_zone`. What is no number or no time is passed on as it was typed, so that the error can show it.
    """
    count = _whole(form.get("card_count", ""))
    location = {key: _degrees(form.get(f"location_{key}", "")) for key in ("latitude", "longitude")}
    location |= {key: form.get(f"location_{key}", "").strip() for key in ("name", "address")}
    ends_at, code = _moment(form.get("offer_expires_at", ""), time_zone), sources.get(OFFER, {}).get(OFFER_CODE)
    flow_data = dict(sources.get(FLOW_DATA, {}))
    if new := form.get("flow_data_new", "").strip():
        flow_data.setdefault(new, {"source": "text", "text": ""})
    fields: dict[str, Any] = {
        "cards": [_card(form, card, sources) for card in range(min(count, MAX_CARDS))],
        "products": _products(form),
        "thumbnail_sku": form.get("thumbnail_sku", "").strip(),
        "offer": _given({"expires_at": ends_at, "code": code}),
        "location": {key: value for key, value in location.items() if value != ""},
        "flow_data": flow_data,
    }
    return _given(fields)


def fit_content(draft: dict[str, Any], template: Template) -> None:
    """Drop what the template has no place for, and give the draft as many cards as it shows."""
    components = template.components
    shows_list, shows_one = has_button(components, "MPM"), header_format(components) == "PRODUCT"
    kept = {
        "cards": bool(carousel_cards(components)),
        "products": shows_list or shows_one or is_product_carousel(components),
        "thumbnail_sku": shows_list or has_button(components, "CATALOG"),
        "offer": offer_of(components) is not None,
        "location": header_format(components) == "LOCATION",
        "flow_data": has_button(components, "FLOW"),
    }
    for field, is_kept in kept.items():
        if not is_kept:
            draft.pop(field, None)
    if kept["cards"]:
        draft["cards"] = _fitting_cards(draft.get("cards") or [], components)
    if products := draft.get("products"):
        own = "sections" if shows_list else "sku" if shows_one else ""
        draft["products"] = {key: value for key, value in products.items() if key in {own, "catalog_id"}}
    _drop_foreign_sources(draft, template)


def _drop_foreign_sources(draft: dict[str, Any], template: Template) -> None:
    """Drop the sources of cards and offer for which the template has no variable: their fields would not be shown."""
    slots = {(slot.place, slot.key) for slot in template_slots(template, content_of_draft(draft))}
    for index, card in enumerate(draft.get("cards") or ()):
        card["variables"] = {
            part: {key: source for key, source in sources.items() if (card_place(index, part), key) in slots}
            for part, sources in (card.get("variables") or {}).items()
        }
    offer = draft.get("offer") or {}
    if OFFER_CODE in offer and (OFFER, OFFER_CODE) not in slots:
        draft["offer"] = {key: value for key, value in offer.items() if key != OFFER_CODE}


def without_empty_texts(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Sources by key, without those whose text is still empty: they are not mapped yet."""
    return {
        key: source
        for key, source in sources.items()
        if all(str(source.get(name, "-")).strip() for name in ("text", "url"))
    }


def filled_content(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the draft without sources whose text is still empty."""
    fields = {field: draft[field] for field in CONTENT_FIELDS if draft.get(field)}
    if "cards" in fields:
        fields["cards"] = [_filled_card(card) for card in fields["cards"]]
    if "offer" in fields:
        code = without_empty_texts({OFFER_CODE: fields["offer"].get("code") or {"text": ""}})
        fields["offer"] = {key: value for key, value in fields["offer"].items() if key != "code"} | code
    if "flow_data" in fields:
        fields["flow_data"] = without_empty_texts(fields["flow_data"])
    return _given(fields)


def content_of_draft(draft: Mapping[str, Any]) -> MessageContent:
    """What the draft adds to its template."""
    return MessageContent.from_columns(draft.get("variables") or {}, draft.get("media") or {}, draft)


def content_shown(template: Template | None, draft: Mapping[str, Any], time_zone: str) -> dict[str, Any]:
    """What the page shows of the draft's content: which parts the template has, its cards, and times in `time_zone`."""
    if template is None:
        return {"parts": (), "cards": []}
    components, content = template.components, content_of_draft(draft)
    parts = {
        "list": has_button(components, "MPM"),
        "product": header_format(components) == "PRODUCT",
        "product_cards": is_product_carousel(components),
        "catalog": has_button(components, "CATALOG"),
        "offer": offer_of(components) is not None,
        "location": header_format(components) == "LOCATION",
        "form": has_button(components, "FLOW"),
    }
    cards = []
    for card in range(len(content.cards)):
        form = header_format(card_components(components, card))
        needed = form if form in MEDIA_FORMATS else None
        cards.append(
            {"needed": needed, "media": content.media_of(card).get("header") or {}, "sku": content.sku_of(card)}
        )
    ends_at = content.offer.get("expires_at")
    return {
        "parts": {name for name, is_there in parts.items() if is_there},
        "cards": cards,
        "sections": [*(content.products.get("sections") or ()), {}][:MAX_SECTIONS],
        "ends_at": _local(ends_at, time_zone) if ends_at else "",
    }


def slot_field(slot: TemplateSlot) -> str:
    """The beginning of the names of a variable's fields: `slot-body-1`, `slot-cards.0.body-1`."""
    return f"slot-{slot.place}-{slot.key}"


def _card(form: Any, card: int, sources: Sources) -> dict[str, Any]:
    places = {str(component): f"cards.{card}.{component}" for component in COMPONENTS}
    variables = {component: dict(sources.get(place, {})) for component, place in places.items()}
    sku, media = form.get(f"card-{card}-sku", "").strip(), _card_medium(form, f"card-{card}-media")
    product = {"sku": sku} if sku else {}
    return _given({"variables": _given(variables), "product": product, "media": {"header": media} if media else {}})


def _card_medium(form: Any, prefix: str) -> dict[str, str]:
    if link := form.get(f"{prefix}_link", "").strip():
        return {"link": link}
    sha256 = form.get(f"{prefix}_sha256", "").strip()
    if sha256:
        return {"sha256": sha256}
    return _given({"id": form.get(f"{prefix}_id", "").strip()})


def _products(form: Any) -> dict[str, Any]:
    sections = [
        {
            "title": title.strip(),
            "skus": [sku for line in skus.splitlines() for each in line.split(",") if (sku := each.strip())],
        }
        for title, skus in zip(form.getlist("section_title"), form.getlist("section_skus"), strict=False)
        if title.strip() or skus.strip()
    ]
    sku, catalog_id = form.get("product_sku", "").strip(), form.get("catalog_id", "").strip()
    return _given({"sections": sections, "sku": sku, "catalog_id": catalog_id})


def _fitting_cards(cards: list[dict[str, Any]], components: Any) -> list[dict[str, Any]]:
    own, has_products = len(carousel_cards(components)), is_product_carousel(components)
    count = max(MIN_CARDS, min(len(cards), MAX_CARDS)) if has_products else own
    cards = [*cards, *({} for _ in range(count - len(cards)))][:count]
    foreign = "media" if has_products else "product"
    return [{key: value for key, value in card.items() if key != foreign} for card in cards]


def _filled_card(card: Mapping[str, Any]) -> dict[str, Any]:
    variables = {
        component: without_empty_texts(entries) for component, entries in (card.get("variables") or {}).items()
    }
    return _given({**card, "variables": _given(variables)})


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _whole(text: str) -> int:
    return int(text) if text.strip().isdecimal() and len(text.strip()) < 4 else 0


def _degrees(text: str) -> float | str:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return text.strip()


def _moment(text: str, time_zone: str) -> str:
    """A time of the browser's field (`2026-12-24T23:59`) with its offset."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text.strip()
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).isoformat()


def _local(text: str, time_zone: str) -> str:
    try:
        moment = datetime.fromisoformat(text).astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
        return moment.isoformat(timespec="seconds" if moment.second else "minutes")
    except ValueError:
        return text
