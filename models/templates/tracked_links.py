"""Checks tracked links in messages: the address that a source names, the button that it stands in, the base of that button.

A source is `{"source": "link", "url": "https://shop.example.com/spring"}`; the base is `LINK_URL/l/` (docs/configuration.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.tables.template import Template
from models.templates.components import buttons_of, card_components, word
from models.templates.content import MessageContent, Source
from models.templates.link_urls import PATH, ascii_url, url_problem
from models.templates.placeholder import PLACEHOLDER
from models.templates.slots import TemplateSlot, field_of
from models.templates.sources import MappedSource, content_sources
from models.text import Text

LINK = "link"


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """A source that is a tracked link: the field of the campaign file in which it stands, and where it leads."""

    field: str
    url: str


def link_places(content: MessageContent) -> list[LinkPlace]:
    """The tracked links of a message that have an address, in its order."""
    entries = (entry for entry in content_sources(content, []) if is_link(entry.source))
    return [
        link_place(entry.source, entry.card, entry.key) for entry in entries if not url_problem(entry.source.get("url"))
    ]


def link_place(source: Source, card: int | None, key: str) -> LinkPlace:
    """The place of the tracked link in the button `key` of the message, or of one of its cards."""
    return LinkPlace(field_of(card, "buttons", key), ascii_url(str(source["url"])))


def is_link(source: Source | None) -> bool:
    """Whether the source is a tracked link."""
    return source is not None and source.get("source") == LINK


def button_problem(components: Sequence[Any], entry: MappedSource) -> str | None:
    """Why the source cannot be a tracked link where it stands; None if it stands in the suffix of a link button."""
    button = _button(components, entry)
    if button is None or word(button, "type") != "URL":
        return "a tracked link can only be the end of a link button's address"
    return None


def base_problems(components: Sequence[Any], content: MessageContent, link_base: str) -> Iterator[Text]:
    """Yield what is wrong with each tracked link whose button has another base than ours."""
    for entry in content_sources(content, []):
        button = _button(components, entry) if is_link(entry.source) else None
        if button is not None and not has_base(button, link_base):
            named = {"field": entry.field, "url": str(button.get("url")), "base": f"{link_base}{PATH}" + "{{1}}"}
            yield Text("{field}: the button opens {url}; a tracked link needs {base}", named)


def has_base(button: Any, link_base: str) -> bool:
    """Whether the button's address is our base and one variable behind it."""
    url = str(button.get("url") or "")
    prefix = f"{link_base}{PATH}"
    return url.startswith(prefix) and PLACEHOLDER.fullmatch(url[len(prefix) :]) is not None


def offered_source(template: Template | None, slot: TemplateSlot, link_base: str) -> Source:
    """The source that a form offers first: a tracked link where the button has our base, else none."""
    place = MappedSource(slot.card, slot.component, slot.key, {})
    button = _button(template.components, place) if template is not None else None
    return {"source": LINK} if button is not None and has_base(button, link_base) else {}


def tracked_urls(components: Sequence[Any], content: MessageContent) -> list[str]:
    """The addresses of the template's buttons in which tracked links stand, in the order of the message."""
    buttons = (_button(components, entry) for entry in content_sources(content, []) if is_link(entry.source))
    return [str(button.get("url")) for button in buttons if button is not None]


def _button(components: Sequence[Any], entry: MappedSource) -> Any | None:
    if entry.component != "buttons" or not entry.key.isdigit():
        return None
    own = components if entry.card is None else card_components(components, entry.card)
    buttons = list(buttons_of(own))
    return buttons[int(entry.key)] if int(entry.key) < len(buttons) else None
