"""Draws what stands above a message's text."""

from markupsafe import Markup

from bot.preview.bubble import (
    Collection,
    ContactCard,
    Document,
    Header,
    MediumHeader,
    MediumKind,
    PlaceHeader,
    Recording,
    ShownOrder,
    ShownProduct,
    TextTitle,
)
from bot.preview.elements import element, joined, void
from bot.preview.formatting import plain
from bot.preview.icons import MAP, icon
from bot.preview.words import PhoneWords

_UNITS = ("B", "kB", "MB", "GB")


def draw_header(header: Header, words: PhoneWords) -> Markup:
    """The HTML of a header."""
    match header:
        case TextTitle():
            return element("div", plain(header.text), class_="wa-title", dir="auto")
        case MediumHeader():
            return _medium(header, words)
        case Document():
            return _document(header, words)
        case PlaceHeader():
            return _place(header, words)
        case ShownProduct():
            return _product(header)
        case Collection():
            return _collection(header, words)
        case Recording():
            return _tile(
                "mic" if header.is_voice else "play", words.voice if header.is_voice else words.audio, "wa-audio"
            )
        case ContactCard():
            return joined(*(_tile("person", name, "wa-contact") for name in header.names))
        case ShownOrder():
            return _order(header, words)


def _medium(medium: MediumHeader, words: PhoneWords) -> Markup:
    said = getattr(words, medium.kind.value)
    form = f"wa-medium wa-{medium.kind}" + (" wa-cropped" if medium.is_cropped else "")
    mark: Markup | None = None
    if medium.kind is MediumKind.VIDEO:
        mark = element("span", icon("play"), class_="wa-play")
    elif medium.kind is MediumKind.GIF:
        mark = element("span", words.gif, class_="wa-play wa-word", aria_hidden="true")
    if medium.url is None:
        sign = None if mark else icon("image")
        label = element("span", medium.name or said, class_="wa-caption", dir="auto")
        return element("div", sign, mark, label, class_=f"{form} wa-empty")
    picture = void("img", src=medium.url, alt=f"{said}: {medium.name}" if medium.name else said, loading="lazy")
    return element("div", picture, mark, class_=form)


def _document(document: Document, words: PhoneWords) -> Markup:
    ending = document.name.rpartition(".")[2].upper() if "." in document.name else ""
    kind = ending if 0 < len(ending) <= 4 else words.document
    size = size_text(document.size) if document.size is not None else ""
    page = void("img", src=document.url, alt="", loading="lazy", class_="wa-page") if document.url else None
    row = element(
        "div",
        element("span", icon("file"), class_="wa-file"),
        element(
            "div",
            element("div", document.name, class_="wa-name", dir="auto"),
            element("div", " · ".join(text for text in (kind, size) if text), class_="wa-soft"),
        ),
        class_="wa-tile",
    )
    return element("div", page, row, class_="wa-document")


def size_text(size: int) -> str:
    """A file's size as phones show it: 482 kB."""
    value, place = float(max(size, 0)), 0
    while value >= 999.5 and place < len(_UNITS) - 1:
        value, place = value / 1000, place + 1
    return f"{value:.1f} {_UNITS[place]}" if place and value < 9.95 else f"{value:.0f} {_UNITS[place]}"


def _place(place: PlaceHeader, words: PhoneWords) -> Markup:
    name = plain(place.name) if place.name else place.coordinates or words.location
    address = element("div", plain(place.address), class_="wa-soft", dir="auto") if place.address else None
    lines = element("div", element("div", name, class_="wa-name", dir="auto"), address, class_="wa-address")
    return element("div", MAP, lines, class_="wa-place", title=place.coordinates or None)


def _picture(url: str | None, alt: str) -> Markup:
    if url is None:
        return element("div", icon("image"), class_="wa-picture wa-empty")
    return element("div", void("img", src=url, alt=alt, loading="lazy"), class_="wa-picture")


def _product(product: ShownProduct) -> Markup:
    price = element("div", product.price, class_="wa-soft") if product.price else None
    lines = element("div", element("div", product.name, class_="wa-name", dir="auto"), price, class_="wa-lines")
    return element("div", _picture(product.url, product.name), lines, class_="wa-product")


def _collection(collection: Collection, words: PhoneWords) -> Markup:
    items = collection.items
    said = "" if items is None else words.one_item if items == 1 else words.items.format(count=items)
    lines = element(
        "div",
        element("div", plain(collection.title), class_="wa-name", dir="auto") if collection.title else None,
        element("div", said, class_="wa-soft") if said else None,
        class_="wa-lines",
    )
    sign = (
        _picture(collection.url, "") if collection.url else element("div", icon("shop"), class_="wa-picture wa-empty")
    )
    return element("div", sign, lines, class_="wa-tile wa-collection")


def _order(order: ShownOrder, words: PhoneWords) -> Markup:
    said = words.one_item if order.items == 1 else words.items.format(count=order.items)
    lines = element(
        "div",
        element("div", said, class_="wa-name"),
        element("div", order.total, class_="wa-soft") if order.total else None,
        class_="wa-lines",
    )
    rows = (
        element("li", element("span", product.name, dir="auto"), element("span", product.price, class_="wa-soft"))
        for product in order.products
    )
    head = element("div", element("span", icon("cart"), class_="wa-file"), lines, class_="wa-tile wa-order")
    return joined(head, element("ul", *rows, class_="wa-ordered") if order.products else None)


def _tile(sign: str, name: str, kind: str) -> Markup:
    shown = element("span", icon(sign), class_="wa-file")
    return element("div", shown, element("div", name, class_="wa-name", dir="auto"), class_=f"wa-tile {kind}")
