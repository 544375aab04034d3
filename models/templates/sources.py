"""Reads and checks the sources of a message's variables: where each value comes from, and in which format it is shown.

A source is an object: `{"source": "name", "fallback": "friend"}`, `{"source": "order", "field": "total", "format": "money"}`,
`{"source": "link", "url": "https://shop.example.com/spring"}`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.templates.content import FLOW_DATA, OFFER, MessageContent, Source, card_place
from models.templates.formats import FORMATS, can_have_format, currency_problem
from models.templates.link_urls import url_problem
from models.templates.order_fields import ORDER_FIELDS
from models.templates.parameters import parameter_problem
from models.templates.slots import COMPONENTS, field_of, variables_field

PROFILE_SOURCES = ("name", "first_name", "last_name", "phone", "email", "language", "country")
SOURCES = (*PROFILE_SOURCES, "tag", "text", "attribute", "order", "product", "shop", "link")
PRODUCT_FIELDS = ("name", "price", "sku", "brand", "url")
"""Of the product of the variable's card, else of the only product of the message."""
_NAMED = ("tag", "text", "attribute")
_FIELDS = {"order": ORDER_FIELDS, "product": PRODUCT_FIELDS}


@dataclass(frozen=True, slots=True)
class MappedSource:
    """One entry of a content: the variable, and its source."""

    card: int | None
    component: str
    key: str
    source: Source

    @property
    def place(self) -> str:
        """Where its value is kept (models.templates.content)."""
        return card_place(self.card, self.component)

    @property
    def field(self) -> str:
        """The field of the campaign file in which it stands."""
        return field_of(self.card, self.component, self.key)


def content_sources(content: MessageContent, problems: list[str]) -> Iterator[MappedSource]:
    """Yield every source of a content, in the order of the message; add a problem for each that is no source."""
    yield from _of_variables(content.variables, None, problems)
    for card, given in enumerate(content.cards):
        yield from _of_variables(given.get("variables") or {}, card, problems)
    for component, sources in ((OFFER, content.sources(OFFER)), (FLOW_DATA, content.flow_data)):
        for key, source in sources.items():
            if isinstance(source, Mapping):
                yield MappedSource(None, component, key, source)
            else:
                problems.append(f"{field_of(None, component, key)}: {_NO_SOURCE}")


_NO_SOURCE = "must be an object such as {'source': 'name'}"


def _of_variables(variables: Any, card: int | None, problems: list[str]) -> Iterator[MappedSource]:
    where = variables_field(card)
    if not isinstance(variables, Mapping):
        problems.append(f"{where}: must be an object with header, body and buttons")
        return
    for component, entries in variables.items():
        if component not in COMPONENTS or not isinstance(entries, Mapping):
            problems.append(f"{where}: {component!r} must be one of header, body, buttons, and an object")
            continue
        for key, source in entries.items():
            if isinstance(source, Mapping):
                yield MappedSource(card, component, str(key), source)
            else:
                problems.append(f"{where}: {component} {key}: {_NO_SOURCE}")


def source_problem(source: Source) -> str | None:
    """Why it is no source that a campaign can have; None if it is one."""
    kind = source.get("source")
    if kind not in SOURCES:
        return f"source {kind!r} is not one of {', '.join(SOURCES)}"
    if kind == "link":
        return url_problem(source.get("url")) or _extra_problem(source, {"source", "url"})
    if kind in _FIELDS and source.get("field") not in _FIELDS[kind]:
        return f"field {source.get('field')!r} is not one of {', '.join(_FIELDS[kind])}"
    if kind in _NAMED and not text_or_none(source.get(kind)):
        return f"{kind} is missing"
    for field in ("text", "fallback"):
        text = source.get(field)
        if text is not None and (not isinstance(text, str) or parameter_problem(text.strip())):
            problem = parameter_problem(text.strip()) if isinstance(text, str) else "must be text"
            return f"{field}: {problem}"
    allowed = {"source", "fallback", "format", "currency", "field" if kind in _FIELDS else str(kind)}
    return _extra_problem(source, allowed) or _format_problem(source)


def _extra_problem(source: Source, allowed: set[str]) -> str | None:
    extra, kind = sorted(map(str, set(source) - allowed)), source["source"]
    return f"{extra[0]!r} does not belong to {'an' if kind[0] in 'aeo' else 'a'} {kind} source" if extra else None


def _format_problem(source: Source) -> str | None:
    form = source.get("format")
    if form is None:
        return "currency: belongs to the format money alone" if source.get("currency") is not None else None
    if form not in FORMATS:
        return f"format {form!r} is not one of {', '.join(FORMATS)}"
    if not can_have_format(source):
        return f"format {form!r} does not fit the source {source['source']}"
    return currency_problem(source)


def text_or_none(value: Any) -> str | None:
    """The value as stripped text; None where nothing is left of it."""
    text = str(value).strip() if value is not None else ""
    return text or None
