"""Draws a message template as it looks on the phone, with Meta's examples or a campaign's variables in the placeholders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from models.tables.template import Template
from models.templates.components import MEDIA_FORMATS
from models.templates.placeholder import PLACEHOLDER

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
"""The fields of a contact's latest order that a template variable can hold."""
_STYLES = (
    (re.compile(r"```(.+?)```", re.DOTALL), "code"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "b"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "i"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)


@dataclass(frozen=True)
class TemplatePreview:
    """The parts of a message bubble."""

    medium: str | None
    title: Markup
    body: Markup
    footer: str
    buttons: tuple[str, ...]
    note: str | None
    """What the preview leaves out."""


def preview_of(template: Template, variables: Mapping[str, Any] | None = None) -> TemplatePreview:
    """The preview of a template. `variables`: a campaign's mapping; None shows Meta's examples in the placeholders."""
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
    for match in PLACEHOLDER.finditer(text):
        pieces.append(escape(text[position : match.start()]))
        pieces.append(_slot(match[1], component, variables, samples))
        position = match.end()
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
    examples = example.get(f"{component}_text")
    if isinstance(examples, list) and examples and isinstance(examples[0], list):
        examples = examples[0]
    return {str(place): str(text) for place, text in enumerate(examples or [], 1)} if isinstance(examples, list) else {}


def _styled(text: Markup) -> Markup:
    """Apply WhatsApp's marks: *bold*, _italic_, ~struck~ and ```plain```. The text is escaped already."""
    styled = str(text)
    for pattern, tag in _STYLES:
        styled = pattern.sub(rf"<{tag}>\1</{tag}>", styled)
    return Markup(styled)  # noqa: S704 - escaped piece by piece above


def _button(button: Mapping[str, Any]) -> str:
    kind = str(button.get("type", "")).upper()
    sign = {"URL": "↗ ", "PHONE_NUMBER": "✆ ", "COPY_CODE": "⧉ ", "QUICK_REPLY": "↩ "}.get(kind, "")
    return f"{sign}{button.get('text') or kind.replace('_', ' ').capitalize()}"
