"""Lists a template's variables, and checks a campaign's mapping of them.

The mapping is component → key → source: `{"body": {"1": {"source": "name", "fallback": "friend"}}}`. Its values are in
models.templates.bound_values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.field_values import CONTACT_FIELDS
from models.contacts.tag_names import find_tag_ids
from models.tables.tag import Attribute
from models.tables.template import Template
from models.templates.lengths import TemplateLengths
from models.templates.order_fields import ORDER_FIELDS
from models.templates.parameters import parameter_problem
from models.templates.placeholder import PLACEHOLDER

Component = Literal["header", "body", "buttons"]
SOURCES = ("name", "first_name", "tag", "text", "attribute", "order")
COMPONENTS: tuple[Component, ...] = ("header", "body", "buttons")
MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
MEDIA_KEYS = ("link", "id", "file", "sha256")

_NEEDS_NOTHING = {"QUICK_REPLY", "PHONE_NUMBER", "VOICE_CALL", "REQUEST_CONTACT_INFO", "CATALOG", "SPM", "FLOW", "URL"}


@dataclass(frozen=True, slots=True)
class TemplateSlot:
    """One variable of a template. `key` is a position, a name, or a button's index."""

    component: Component
    key: str
    kind: Literal["text", "url", "coupon_code"] = "text"

    @property
    def label(self) -> str:
        """The slot's name for operators: `body 2`."""
        return f"{self.component} {self.key}"


def template_slots(template: Template) -> list[TemplateSlot]:
    """Return the variables of the template, in the order of the message."""
    slots: list[TemplateSlot] = []
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        if kind == "HEADER" and str(component.get("format", "TEXT")).upper() == "TEXT":
            slots += [TemplateSlot("header", key) for key in _keys(component.get("text"))]
        elif kind == "BODY":
            # The text of an authentication template is Meta's: it has one variable, the code.
            keys = ["1"] if "add_security_recommendation" in component else _keys(component.get("text"))
            slots += [TemplateSlot("body", key) for key in keys]
        elif kind == "BUTTONS":
            slots += _button_slots(component.get("buttons", []))
    return slots


def media_format(template: Template) -> str | None:
    """Return the media format of the header (`IMAGE`, `VIDEO`, `DOCUMENT`, `GIF`), None if it has no media."""
    for component in template.components:
        header = str(component.get("format", "")).upper()
        if str(component.get("type", "")).upper() == "HEADER" and header in MEDIA_FORMATS:
            return header
    return None


def unsupported_parts(template: Template) -> list[str]:
    """Return the parts of the template that need values which a campaign cannot provide."""
    parts = []
    for component in template.components:
        kind, header = str(component.get("type", "")).upper(), str(component.get("format", "TEXT")).upper()
        if kind in {"CAROUSEL", "LIMITED_TIME_OFFER"} or (kind == "HEADER" and header not in {"TEXT", *MEDIA_FORMATS}):
            parts.append(kind.lower() if kind != "HEADER" else f"{header.lower()} header")
        if kind == "BUTTONS":
            kinds = (str(button.get("type", "")).upper() for button in component.get("buttons", []))
            parts += [
                f"{button.lower()} button" for button in kinds if button not in _NEEDS_NOTHING | {"COPY_CODE", "OTP"}
            ]
    return parts


class MappingProblem(NamedTuple):
    """What is wrong with a campaign's variables or media, in a line. A gap is what a draft may still lack; all else is an error."""

    line: str
    is_gap: bool = False


def check_mapping(template: Template, variables: Any, media: Any) -> list[str]:
    """Return the problems of a campaign's variables and media, a line each; empty if they fit the template."""
    return [problem.line for problem in mapping_problems(template, variables, media)]


def mapping_problems(template: Template, variables: Any, media: Any) -> list[MappingProblem]:
    """The problems of `check_mapping`, in the same order, each with whether it is a gap."""
    slots = {(slot.component, slot.key): slot for slot in template_slots(template)}
    unsupported = [
        f"template {template.name}: a {part} cannot be sent by a campaign" for part in unsupported_parts(template)
    ]
    errors: list[str] = []
    mapped: set[tuple[str, str]] = set()
    for component, key, source in mapped_sources(variables, errors):
        mapped.add((component, key))
        if (component, key) not in slots:
            allowed = ", ".join(slot.label for slot in slots.values()) or "none"
            errors.append(f"variables: {component} {key} is not in the template (it has: {allowed})")
        elif problem := _source_problem(source):
            errors.append(f"variables: {component} {key}: {problem}")
    errors += _length_problems(template, variables, [*unsupported, *errors])
    unmapped = [f"variables: {slot.label} is not mapped" for place, slot in slots.items() if place not in mapped]
    return [
        *(MappingProblem(line, is_gap=True) for line in unsupported),
        *map(MappingProblem, errors),
        *(MappingProblem(line, is_gap=True) for line in unmapped),
        *_media_problems(template, media),
    ]


def unknown_names(session: Session, variables: Any) -> list[str]:
    """Return the tags and attributes of the mapping that do not exist, a line each."""
    tags, attributes = mapped_tag_ids(session, variables), attribute_defaults(session)
    problems: list[str] = []
    for component, key, source in mapped_sources(variables, []):
        kind = source.get("source")
        name = source.get(kind) if kind in {"tag", "attribute"} else None
        if text_or_none(name) is None:
            continue  # that it is missing says check_mapping
        if kind == "tag" and name not in tags:
            problems.append(f"variables: {component} {key}: there is no tag {name!r}")
        if kind == "attribute" and name not in attributes and name not in CONTACT_FIELDS:
            problems.append(f"variables: {component} {key}: there is no attribute {name!r}")
    return problems


def _keys(text: Any) -> list[str]:
    keys = list(dict.fromkeys(PLACEHOLDER.findall(str(text or ""))))
    return sorted(keys, key=int) if all(key.isdigit() for key in keys) else keys


def _button_slots(buttons: Sequence[Mapping[str, Any]]) -> list[TemplateSlot]:
    slots = []
    for index, button in enumerate(buttons):
        kind = str(button.get("type", "")).upper()
        if kind == "OTP" or (kind == "URL" and PLACEHOLDER.search(str(button.get("url", "")))):
            slots.append(TemplateSlot("buttons", str(index), "url"))
        elif kind == "COPY_CODE":
            slots.append(TemplateSlot("buttons", str(index), "coupon_code"))
    return slots


def mapped_sources(variables: Any, problems: list[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the mapping's entries (component, key, source); add a problem for each invalid one."""
    if not isinstance(variables, Mapping):
        problems.append("variables: must be an object with header, body and buttons")
        return
    for component, entries in variables.items():
        if component not in COMPONENTS or not isinstance(entries, Mapping):
            problems.append(f"variables: {component!r} must be one of header, body, buttons, and an object")
            continue
        for key, source in entries.items():
            if isinstance(source, Mapping):
                yield component, str(key), source
            else:
                problems.append(f"variables: {component} {key}: must be an object such as {{'source': 'name'}}")


def _source_problem(source: Mapping[str, Any]) -> str | None:
    kind = source.get("source")
    if kind not in SOURCES:
        return f"source {kind!r} is not one of {', '.join(SOURCES)}"
    if kind == "order" and source.get("field") not in ORDER_FIELDS:
        return f"field {source.get('field')!r} is not one of {', '.join(ORDER_FIELDS)}"
    if kind in {"tag", "attribute", "text"} and not text_or_none(source.get(kind)):
        return f"{kind} is missing"
    for field in ("text", "fallback"):
        text = source.get(field)
        if text is not None and (not isinstance(text, str) or parameter_problem(text.strip())):
            problem = parameter_problem(text.strip()) if isinstance(text, str) else "must be text"
            return f"{field}: {problem}"
    extra = set(source) - {"source", "fallback", "field" if kind == "order" else kind}
    return (
        f"{sorted(extra)[0]!r} does not belong to {'an' if kind[0] in 'ao' else 'a'} {kind} source" if extra else None
    )


def _length_problems(template: Template, variables: Any, problems: Sequence[str]) -> list[str]:
    """What is too long whoever gets it: a fixed text, or a fallback, alone in the message."""
    if problems:
        return []
    lengths = TemplateLengths(template.components)
    texts = {
        (component, key): source.get("text") if source.get("source") == "text" else source.get("fallback")
        for component, key, source in mapped_sources(variables, [])
    }
    found = (lengths.problem({component: {key: text}}) for (component, key), text in texts.items() if text)
    return [f"variables: {problem}" for problem in found if problem is not None]


def _media_problems(template: Template, media: Any) -> list[MappingProblem]:
    required_format = media_format(template)
    header = media.get("header") if isinstance(media, Mapping) else None
    if required_format is None:
        return [MappingProblem("media: the template's header takes no media")] if header else []
    if not isinstance(header, Mapping) or not any(header.get(key) for key in MEDIA_KEYS):
        line = f"media: the template's header needs one {required_format.lower()} (link, id or file)"
        return [MappingProblem(line, is_gap=True)]
    return []


def text_or_none(value: Any) -> str | None:
    """The value as stripped text; None where nothing is left of it."""
    text = str(value).strip() if value is not None else ""
    return text or None


def mapped_tag_ids(session: Session, variables: Any) -> dict[str, int]:
    """The ids of the tags that the mapping names, by name; one that does not exist is absent."""
    names = {str(source.get("tag")) for _, _, source in mapped_sources(variables, []) if source.get("source") == "tag"}
    return find_tag_ids(session, names)


def attribute_defaults(session: Session) -> dict[str, str | None]:
    """The default of every attribute, by its name; None where it has none."""
    return {row.name: row.default for row in session.execute(select(Attribute.name, Attribute.default))}
