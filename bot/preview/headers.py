"""Makes what stands above a message's text: media, documents, locations, products and collections of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.preview.bubble import (
    ChoiceSheet,
    Collection,
    Document,
    ListRow,
    ListSection,
    MediumHeader,
    MediumKind,
    PlaceHeader,
    ShownProduct,
)
from bot.preview.filled_text import FilledText, fill
from bot.preview.pictures import Pictures, own_address
from bot.preview.shapes import text_in
from bot.preview.words import PhoneWords

_KINDS = {kind.value: kind for kind in MediumKind}


def references_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    """What names a medium in a message: its id or its link."""
    return tuple(text for text in (text_in(part, "id"), text_in(part, "link")) if text)


def medium_header(
    kind: str,
    references: Sequence[str],
    file_name: str,
    pictures: Pictures,
    words: PhoneWords,
    *,
    is_cropped: bool = False,
) -> MediumHeader | Document | None:
    """The header of a picture, video, GIF, sticker or document (`kind` in small letters); None for another kind."""
    drawn = pictures.medium(*references)
    if kind == "document":
        return Document(file_name or drawn.name or words.document, drawn.size, own_address(drawn.url))
    if kind not in _KINDS:
        return None
    return MediumHeader(_KINDS[kind], own_address(drawn.url), drawn.name or file_name, is_cropped)


def place_header(facts: Mapping[str, Any], *, is_needed: bool = False) -> PlaceHeader:
    """A location. `is_needed`: a template's, whose values may still be missing."""
    coordinates = ", ".join(text for text in (text_in(facts, "latitude"), text_in(facts, "longitude")) if text)
    name, address = text_in(facts, "name"), text_in(facts, "address")
    if is_needed and not coordinates and not name:
        return PlaceHeader(fill("{{location}}", {}), FilledText(address))
    return PlaceHeader(FilledText(name), FilledText(address), coordinates)


def product_header(sku: str, pictures: Pictures, words: PhoneWords) -> ShownProduct:
    """A product; one that is not chosen yet is called what the phone calls any."""
    drawn = pictures.product(sku)
    return ShownProduct(sku, drawn.name or words.product, drawn.price, own_address(drawn.url))


def collection_header(title: FilledText, skus: Sequence[str], thumbnail_sku: str, pictures: Pictures) -> Collection:
    """The tile of a message with several products: its picture is the thumbnail's, else the first product's."""
    sku = thumbnail_sku or next(iter(skus), "")
    return Collection(title, len(skus), own_address(pictures.product(sku).url))


def catalog_header(thumbnail_sku: str, pictures: Pictures, words: PhoneWords) -> Collection:
    """The tile of a message with the whole catalog."""
    return Collection(FilledText(words.catalog), None, own_address(pictures.product(thumbnail_sku).url))


def product_sheet(sections: Sequence[tuple[str, Sequence[str]]], pictures: Pictures, words: PhoneWords) -> ChoiceSheet:
    """The products of a message with several, by section."""
    drawn = []
    for title, skus in sections:
        products = [product_header(sku, pictures, words) for sku in skus]
        drawn.append(
            ListSection(
                title, tuple(ListRow(product.name, product.price, product.sku, product) for product in products)
            )
        )
    return ChoiceSheet(words.view_items, tuple(drawn), is_products=True)
