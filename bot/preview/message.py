"""Makes the bubble of any message: what a business sends (docs/meta.md §2.4) and what a person sends (§7.6)."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from bot.preview.bubble import Bubble, ContactCard, Recording, ShownOrder, ShownProduct
from bot.preview.filled_text import FilledText
from bot.preview.headers import medium_header, place_header, product_header, references_of
from bot.preview.interactive import interactive_bubble
from bot.preview.pictures import NO_PICTURES, Pictures
from bot.preview.shapes import number_in, object_in, objects_in, text_in
from bot.preview.template import sent_template_bubble
from bot.preview.words import ENGLISH, PhoneWords

MEDIA = ("image", "video", "gif", "sticker", "document")


def message_bubble(
    message: Any,
    pictures: Pictures = NO_PICTURES,
    *,
    components: Any = None,
    category: str = "",
    words: PhoneWords = ENGLISH,
) -> Bubble:
    """The bubble of a message's JSON. `components`, `category`: of the template that it names, if it is a template message.

    Never fails: a message of an unknown kind or another shape is a bubble with a notice.
    """
    kind = text_in(message, "type").lower()
    part = object_in(message, kind)
    if kind == "template":
        return sent_template_bubble(part, components, pictures, category=category, words=words)
    if kind == "interactive":
        return interactive_bubble(part, pictures, words)
    read = _readers(message, part, pictures, words).get(kind)
    return read() if read else Bubble(notice=words.unsupported.format(kind=_kind_said(message, kind)))


def _kind_said(message: Any, kind: str) -> str:
    """`unsupported` names in an object of its own what it could not be (docs/meta.md §7.6)."""
    inner = text_in(object_in(message, kind), "type") if kind == "unsupported" else ""
    return (inner or kind or "?").replace("_", " ").capitalize()


def _readers(
    message: Any, part: Mapping[str, Any], pictures: Pictures, words: PhoneWords
) -> Mapping[str, Callable[[], Bubble]]:
    """What reads each kind that is neither a template nor interactive."""
    return {
        "text": lambda: Bubble(body=FilledText(text_in(part, "body"))),
        "button": lambda: Bubble(body=FilledText(text_in(part, "text"))),
        **{kind: partial(_medium, kind, part, pictures, words) for kind in MEDIA},
        "audio": lambda: Bubble(header=Recording(bool(part.get("voice")))),
        "location": lambda: Bubble(header=place_header(part)),
        "contacts": lambda: Bubble(header=ContactCard(_names(objects_in(message, "contacts"), words))),
        "reaction": lambda: Bubble(notice=_reaction(text_in(part, "emoji"), words)),
        "order": lambda: _order(part, pictures, words),
        "system": lambda: Bubble(notice=text_in(part, "body") or words.unsupported.format(kind="System")),
    }


def _medium(kind: str, part: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> Bubble:
    header = medium_header(kind, references_of(part), text_in(part, "filename"), pictures, words)
    return Bubble(header=header, body=FilledText(text_in(part, "caption")))


def _names(contacts: list[Mapping[str, Any]], words: PhoneWords) -> tuple[str, ...]:
    names = []
    for contact in contacts:
        phone = next((text_in(item, "phone", "wa_id") for item in objects_in(contact, "phones")), "")
        names.append(text_in(object_in(contact, "name"), "formatted_name", "first_name") or phone or words.contact)
    return tuple(names) or (words.contact,)


def _reaction(emoji: str, words: PhoneWords) -> str:
    return words.reacted.format(emoji=emoji) if emoji else words.reaction_removed


def _order(part: Mapping[str, Any], pictures: Pictures, words: PhoneWords) -> Bubble:
    items = objects_in(part, "product_items")
    quantities = [int(number_in(item, "quantity") or 1) for item in items]
    products = tuple(
        _ordered(item, quantity, pictures, words) for item, quantity in zip(items, quantities, strict=True)
    )
    order = ShownOrder(sum(quantities), _total(items, quantities), products)
    return Bubble(header=order, body=FilledText(text_in(part, "text")))


def _ordered(item: Mapping[str, Any], quantity: int, pictures: Pictures, words: PhoneWords) -> ShownProduct:
    product = product_header(text_in(item, "product_retailer_id"), pictures, words)
    price = " ".join(text for text in (text_in(item, "item_price"), text_in(item, "currency")) if text)
    return ShownProduct(product.sku, product.name, f"{quantity} × {price}" if price else product.price, product.url)


def _total(items: list[Mapping[str, Any]], quantities: list[int]) -> str:
    currencies = {text_in(item, "currency") for item in items}
    if len(currencies) != 1:
        return ""
    try:
        prices = [Decimal(text_in(item, "item_price")) for item in items]
        total = sum((price * quantity for price, quantity in zip(prices, quantities, strict=True)), Decimal(0))
        return f"{total:,.2f} {currencies.pop()}".strip() if total.is_finite() else ""
    except (InvalidOperation, ValueError):
        return ""
