"""Checks what a campaign gives to its template besides variables: media, cards, products, offer, location, a form's data."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from models.tables.template import Template
from models.templates.components import (
    MEDIA_FORMATS,
    card_components,
    carousel_cards,
    ends,
    has_button,
    header_format,
    is_product_carousel,
    offer_of,
)
from models.templates.content import COLUMNS, MessageContent

MEDIA_KEYS = ("link", "id", "file", "sha256")
MIN_CARDS, MAX_CARDS = 2, 10
MAX_SECTIONS, MAX_PRODUCTS, MAX_SECTION_TITLE = 10, 30, 24


_REMEDIES = {
    "media": "Give the header the medium that the template needs.",
    "variables": "Map every variable of the template, and nothing else.",
}


class MappingProblem(NamedTuple):
    """What is wrong with a campaign's content, in a line. A gap is what a draft may still lack; all else is an error."""

    line: str
    is_gap: bool = False
    language: str | None = None
    """Which of the campaign's languages it is about; it is named in the line."""

    @property
    def part(self) -> str:
        """What it is about: `variables`, `media`, or a field of COLUMNS."""
        head = self.line.removeprefix(f"{self.language}: ").partition(":")[0]
        if head.endswith("media"):
            return "media"
        if head.endswith("variables") or self.line.endswith("is not mapped"):
            return "variables"
        return next((field for field in COLUMNS if head.startswith(field)), "variables")

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return _REMEDIES.get(self.part, "Give the message what the format of its template needs, and nothing else.")


def content_problems(
    template: Template, content: MessageContent, now: datetime | None = None
) -> Iterator[MappingProblem]:
    """Yield what does not fit the template, or is missing. With `now` also an offer that is over.

    Every line begins with the field of the campaign file.
    """
    yield from _media_problems("media", "the template's header", header_format(template.components), content.media)
    yield from _card_problems(template, content)
    yield from _product_problems(template, content)
    yield from _offer_problems(template, content, now)
    yield from _location_problems(template, content.location)
    if content.flow_data and not has_button(template.components, "FLOW"):
        yield MappingProblem("flow_data: the template has no button that opens a form")


def _media_problems(field: str, what: str, header: str | None, media: Any) -> Iterator[MappingProblem]:
    medium = media.get("header") if isinstance(media, Mapping) else None
    if header not in MEDIA_FORMATS:
        if medium:
            yield MappingProblem(f"{field}: {what} takes no media")
    elif not isinstance(medium, Mapping) or not any(medium.get(key) for key in MEDIA_KEYS):
        line = f"{field}: {what} needs one {str(header).lower()} (link, id or file)"
        yield MappingProblem(line, is_gap=True)


def _card_problems(template: Template, content: MessageContent) -> Iterator[MappingProblem]:
    given, own = len(content.cards), len(carousel_cards(template.components))
    if own == 0:
        if given:
            yield MappingProblem("cards: the template has no carousel")
        return
    has_products = is_product_carousel(template.components)
    least, most = (MIN_CARDS, MAX_CARDS) if has_products else (own, own)
    allowed = f"from {least} to {most}" if has_products else f"exactly {own}, as many as in the template"
    if not least <= given <= most:
        yield MappingProblem(f"cards: {given} cards are given; allowed are {allowed}", is_gap=given < least)
    for card, row in enumerate(content.cards[:most]):
        header = header_format(card_components(template.components, card))
        yield from _media_problems(f"cards.{card}.media", "the card's header", header, row.get("media"))
        if not has_products and row.get("product"):
            yield MappingProblem(f"cards.{card}.product: the template's cards show no products")
        elif has_products and not content.sku_of(card):
            yield MappingProblem(f"cards.{card}.product: sku is missing", is_gap=True)


def _product_problems(template: Template, content: MessageContent) -> Iterator[MappingProblem]:
    components, products = template.components, content.products
    has_sections, has_catalog = has_button(components, "MPM"), has_button(components, "CATALOG")
    is_single = header_format(components) == "PRODUCT"
    sections = products.get("sections")
    if content.thumbnail_sku and not (has_sections or has_catalog):
        yield MappingProblem("thumbnail_sku: the template shows no catalog and no list of products")
    if has_sections:
        if products.get("sku"):
            yield MappingProblem("products.sku: the template shows a list of products; allowed are sections")
        elif not sections:
            yield MappingProblem("products: sections are missing, each with a title and skus", is_gap=True)
        else:
            yield from _section_problems(sections)
    elif is_single:
        if sections:
            yield MappingProblem("products.sections: the template shows one product; allowed is sku")
        elif not products.get("sku"):
            yield MappingProblem("products: sku is missing", is_gap=True)
    elif products.get("sku") or sections:
        why = "shows the whole catalog; allowed is thumbnail_sku" if has_catalog else "has no place for products"
        yield MappingProblem(f"products: the template {why}")
    elif products and not is_product_carousel(components):
        yield MappingProblem("products: the template has no place for products")


def _section_problems(sections: Any) -> Iterator[MappingProblem]:
    if len(sections) > MAX_SECTIONS:
        yield MappingProblem(
            f"products.sections: {len(sections)} sections are given; allowed are at most {MAX_SECTIONS}"
        )
    count = sum(len(section.get("skus") or ()) for section in sections)
    if count > MAX_PRODUCTS:
        yield MappingProblem(
            f"products: {count} products are given; allowed are at most {MAX_PRODUCTS} in all sections"
        )
    for index, section in enumerate(sections):
        field, title = f"products.sections.{index}", str(section.get("title") or "")
        if not title:
            yield MappingProblem(f"{field}: title is missing", is_gap=True)
        elif len(title) > MAX_SECTION_TITLE:
            line = f"{field}.title: it has {len(title)} characters; allowed are at most {MAX_SECTION_TITLE}"
            yield MappingProblem(line)
        if not section.get("skus"):
            yield MappingProblem(f"{field}: skus are missing", is_gap=True)


def _offer_problems(template: Template, content: MessageContent, now: datetime | None) -> Iterator[MappingProblem]:
    offer, ends_at = offer_of(template.components), content.offer_ends_at
    if offer is None:
        if content.offer:
            yield MappingProblem("offer: the template has no limited-time offer")
        return
    if content.offer.get("code") and not has_button(template.components, "COPY_CODE"):
        yield MappingProblem("offer.code: the template has no button that copies a code")
    if not ends(offer):
        if ends_at is not None:
            yield MappingProblem("offer.expires_at: the template's offer has no end")
    elif ends_at is None:
        yield MappingProblem("offer: expires_at is missing, such as 2026-12-24T23:59:00+01:00", is_gap=True)
    elif now is not None and ends_at <= now:
        yield MappingProblem(f"offer.expires_at={content.offer['expires_at']}: allowed is a time in the future")


def _location_problems(template: Template, location: Mapping[str, Any]) -> Iterator[MappingProblem]:
    if header_format(template.components) != "LOCATION":
        if location:
            yield MappingProblem("location: the template's header shows no place")
        return
    for key, most in (("latitude", 90), ("longitude", 180)):
        value = location.get(key)
        if value is None:
            yield MappingProblem(f"location: {key} is missing", is_gap=True)
        elif not -most <= value <= most:
            yield MappingProblem(f"location.{key}={value}: allowed is a number from -{most} to {most}")
