"""A template as a person sees it on the phone, with its placeholders, or with what a campaign puts in their place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from models.tables.template import Template
from models.templates.variables import MEDIA_FORMATS

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_SOURCES = {"name": "name", "first_name": "first name"}
ORDER_WORDS = {
    "number": "number",
    "total": "total",
    "currency": "currency",
    "product": "product",
    "collection": "collection",
    "brand": "brand",
    "placed_at": "day",
}
"""What a template can say of a contact's latest order."""
_STYLES = (
    (re.compile(r"```(.+?)```", re.DOTALL), "code"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "b"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "i"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)


@dataclass(frozen=True)
class TemplatePreview:
    """The pieces of a bubble."""

    medium: str | None
    title: Markup
    body: Markup
    footer: str
    buttons: tuple[str, ...]
    note: str | None
    """What the picture leaves out."""


def preview_of(template: Template, variables: Mapping[str, Any] | None = None) -> TemplatePreview:
    """Draw it. `variables`: a campaign's mapping; without one, Meta's examples stand in the placeholders."""
    medium, note, footer = None, None, ""
    title = body = Markup("")
    buttons: list[str] = []
    for component in template.components:
        kind, shape = str(component.get("type", "")).upper(), str(component.get("format", "TEXT")).upper()
        text = str(component.get("text") or "")
        if kind == "HEADER" and shape in {*MEDIA_FORMATS, "LOCATION"}:
            medium = shape.lower()
        elif kind == "HEADER":
            title = _filled(text, "header", variables, component)
        elif kind == "BODY":
            body = _styled(_filled(text or "(Meta's own text, with the code)", "body", variables, component))
        elif kind == "FOOTER":
            footer = text or "(Meta's own text)"
        elif kind == "BUTTONS":
            buttons = [_button(button) for button in component.get("buttons", [])]
        elif kind:
            note = f"It also has a {kind.lower().replace('_', ' ')}, which is not drawn here."
    return TemplatePreview(medium, title, body, footer, tuple(buttons), note)


def _filled(text: str, component: str, variables: Mapping[str, Any] | None, part: Mapping[str, Any]) -> Markup:
    samples = _samples(component, part)
    pieces, position = [], 0
    for found in _VARIABLE.finditer(text):
        pieces.append(escape(text[position : found.start()]))
        pieces.append(_slot(found[1], component, variables, samples))
        position = found.end()
    pieces.append(escape(text[position:]))
    return Markup("").join(pieces)


def _slot(key: str, component: str, variables: Mapping[str, Any] | None, samples: Mapping[str, str]) -> Markup:
    if variables is None:
        return Markup('<mark class="slot" title="{}">{}</mark>').format(
            f"{{{{{key}}}}}", samples.get(key) or f"{{{{{key}}}}}"
        )
    source = (variables.get(component) or {}).get(key) or {}
    kind = source.get("source")
    if kind == "text" and source.get("text"):
        return Markup('<mark class="slot">{}</mark>').format(source["text"])
    shown = _SOURCES.get(str(kind)) or source.get(str(kind))
    if kind == "order":
        shown = f"latest order: {ORDER_WORDS.get(str(source.get('field')), '…')}"
    if not shown:
        return Markup('<mark class="slot open">{}</mark>').format(f"{{{{{key}}}}}")
    return Markup('<mark class="slot" title="{}">{}</mark>').format(f"{kind}: {shown}", f"‹{shown}›")


def _samples(component: str, part: Mapping[str, Any]) -> dict[str, str]:
    example = part.get("example")
    if not isinstance(example, Mapping):
        return {}
    named = example.get(f"{component}_text_named_params")
    if isinstance(named, list):
        return {
            str(item.get("param_name")): str(item.get("example", "")) for item in named if isinstance(item, Mapping)
        }
    given = example.get(f"{component}_text")
    if isinstance(given, list) and given and isinstance(given[0], list):
        given = given[0]
    return {str(place): str(text) for place, text in enumerate(given or [], 1)} if isinstance(given, list) else {}


def _styled(text: Markup) -> Markup:
    """WhatsApp's own marks: *bold*, _italic_, ~struck~ and ```plain```. The text is escaped already."""
    styled = str(text)
    for pattern, tag in _STYLES:
        styled = pattern.sub(rf"<{tag}>\1</{tag}>", styled)
    return Markup(styled)  # noqa: S704 - escaped piece by piece above


def _button(button: Mapping[str, Any]) -> str:
    kind = str(button.get("type", "")).upper()
    sign = {"URL": "↗ ", "PHONE_NUMBER": "✆ ", "COPY_CODE": "⧉ ", "QUICK_REPLY": "↩ "}.get(kind, "")
    return f"{sign}{button.get('text') or kind.replace('_', ' ').capitalize()}"
