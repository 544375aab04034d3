"""Checks the content that a campaign gives to its template: the sources of its variables, and all else that its format needs.

A content is read by models.templates.content; the values of its sources are in models.templates.bound_values.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.field_values import CONTACT_FIELDS
from models.contacts.tag_names import find_tag_ids
from models.tables.setting import read_setting
from models.tables.tag import Attribute
from models.tables.template import Template
from models.templates.components import MEDIA_FORMATS, header_format, unsupported_parts
from models.templates.content import MessageContent
from models.templates.content_problems import MappingProblem, content_problems
from models.templates.formats import FormatError, shown_value
from models.templates.lengths import TemplateLengths
from models.templates.slots import TemplateSlot, template_slots
from models.templates.sources import MappedSource, content_sources, source_problem, text_or_none
from models.templates.tracked_links import button_problem, is_link


def media_format(template: Template) -> str | None:
    """Return the media format of the header (`IMAGE`, `VIDEO`, `DOCUMENT`, `GIF`), None if it has no media."""
    form = header_format(template.components)
    return form if form in MEDIA_FORMATS else None


def check_mapping(template: Template, content: MessageContent, now: datetime | None = None) -> list[str]:
    """Return the problems of a campaign's content, a line each; empty if it fits the template."""
    return [problem.line for problem in mapping_problems(template, content, now)]


def mapping_problems(template: Template, content: MessageContent, now: datetime | None = None) -> list[MappingProblem]:
    """The problems of `check_mapping`, in the same order, each with whether it is a gap."""
    slots = {(slot.place, slot.key): slot for slot in template_slots(template, content)}
    unsupported = [
        f"template {template.name}: a {part} cannot be sent by a campaign" for part in unsupported_parts(template)
    ]
    errors: list[str] = []
    mapped: set[tuple[str, str]] = set()
    sources = list(content_sources(content, errors))
    for entry in sources:
        mapped.add((entry.place, entry.key))
        problem = _source_problem(template, content, entry, list(slots.values()))
        errors += [f"{entry.field}{problem}"] if problem else []
    errors += _length_problems(template, content, sources, [*unsupported, *errors])
    unmapped = [f"{slot.field} is not mapped" for place, slot in slots.items() if place not in mapped]
    return [
        *(MappingProblem(line, is_gap=True) for line in unsupported),
        *map(MappingProblem, errors),
        *(MappingProblem(line, is_gap=True) for line in unmapped),
        *content_problems(template, content, now),
    ]


def unknown_names(session: Session, content: MessageContent) -> list[str]:
    """Return what the sources name and does not exist (tags, attributes, the shop's name), a line each."""
    tags, attributes = mapped_tag_ids(session, content), attribute_defaults(session)
    problems: list[str] = []
    for entry in content_sources(content, []):
        kind = entry.source.get("source")
        if kind == "shop" and not read_setting(session, "shop_name"):
            problems.append(f"{entry.field}: the setting shop_name is empty")
        name = entry.source.get(kind) if kind in {"tag", "attribute"} else None
        if text_or_none(name) is None:
            continue  # that it is missing says check_mapping
        if kind == "tag" and name not in tags:
            problems.append(f"{entry.field}: there is no tag {name!r}")
        if kind == "attribute" and name not in attributes and name not in CONTACT_FIELDS:
            problems.append(f"{entry.field}: there is no attribute {name!r}")
    return problems


def mapped_tag_ids(session: Session, content: MessageContent) -> dict[str, int]:
    """The ids of the tags that the sources name, by name; one that does not exist is absent."""
    sources = (entry.source for entry in content_sources(content, []))
    return find_tag_ids(session, {str(source.get("tag")) for source in sources if source.get("source") == "tag"})


def attribute_defaults(session: Session) -> dict[str, str | None]:
    """The default of every attribute, by its name; None where it has none."""
    return {row.name: row.default for row in session.execute(select(Attribute.name, Attribute.default))}


def _source_problem(
    template: Template, content: MessageContent, entry: MappedSource, slots: Sequence[TemplateSlot]
) -> str | None:
    """What is wrong with one source, in the words that follow the name of its field."""
    if not any((slot.place, slot.key) == (entry.place, entry.key) for slot in slots):
        if entry.component in {"offer", "flow_data"}:
            return None  # that the template has no place for it says content_problems
        allowed = ", ".join(slot.label for slot in slots) or "none"
        return f" is not in the template (it has: {allowed})"
    if problem := source_problem(entry.source):
        return f": {problem}"
    if is_link(entry.source):
        problem = button_problem(template.components, entry)
        return f": {problem}" if problem else None
    if entry.source.get("source") == "product" and content.sku_of(entry.card) is None:
        return ": a product source needs the product of its card, or one product of the message"
    text = entry.source.get("text")
    if isinstance(text, str) and entry.source.get("format"):
        try:
            shown_value(text.strip(), entry.source, template.language or "en", "UTC")
        except FormatError as error:
            return f": text: {error}"
    return None


def _length_problems(
    template: Template, content: MessageContent, sources: Sequence[MappedSource], problems: Sequence[str]
) -> list[str]:
    """What is too long whoever gets it: a fixed text, or a fallback, alone in the message."""
    if problems:
        return []
    lengths = TemplateLengths(template.components, len(content.cards))
    lines: list[str] = []
    for entry in sources:
        text: Any = entry.source.get("text") if entry.source.get("source") == "text" else entry.source.get("fallback")
        problem = lengths.problem({entry.place: {entry.key: text}}) if text else None
        lines += [f"variables: {problem}"] if problem is not None else []
    return lines
