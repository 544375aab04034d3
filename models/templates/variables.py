"""Lists a template's variables, checks a campaign's mapping of them, and compiles their values to SQL.

The mapping is component → key → source: `{"body": {"1": {"source": "name", "fallback": "friend"}}}`. The launch stores the values
in the same shape, component → key → text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, literal, null, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import FromClause

from models.contacts.field_values import CONTACT_FIELDS
from models.db.base import Json
from models.db.functions import FirstWord, JsonField, JsonObject, Probe
from models.tables.tag import Attribute, ContactTag, Tag
from models.tables.template import Template
from models.templates.order_fields import ORDER_FIELDS, order_value
from models.templates.parameters import parameter_problem

Component = Literal["header", "body", "buttons"]
SOURCES = ("name", "first_name", "tag", "text", "attribute", "order")
COMPONENTS: tuple[Component, ...] = ("header", "body", "buttons")
MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
MEDIA_KEYS = ("link", "id", "file", "sha256")

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
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


@dataclass(frozen=True, slots=True)
class BoundSlot:
    """A slot with its value. `fixed` is the text that is the same for all, or the fallback; None for neither. `value` is the SQL.

    `is_missing` is the condition that `value` is NULL, in the form that is fastest over a million contacts.
    """

    slot: TemplateSlot
    fixed: str | None
    value: ColumnElement[Any]
    is_missing: ColumnElement[bool]

    @property
    def may_miss(self) -> bool:
        """Whether a contact may lack the value."""
        return self.fixed is None


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


def check_mapping(template: Template, variables: Any, media: Any) -> list[str]:
    """Return the problems of a campaign's variables and media, a line each; empty if they fit the template."""
    slots = {(slot.component, slot.key): slot for slot in template_slots(template)}
    problems = [
        f"template {template.name}: a {part} cannot be sent by a campaign" for part in unsupported_parts(template)
    ]
    mapped: set[tuple[str, str]] = set()
    for component, key, source in _entries(variables, problems):
        mapped.add((component, key))
        if (component, key) not in slots:
            allowed = ", ".join(slot.label for slot in slots.values()) or "none"
            problems.append(f"variables: {component} {key} is not in the template (it has: {allowed})")
        elif problem := _source_problem(source):
            problems.append(f"variables: {component} {key}: {problem}")
    problems += [f"variables: {slot.label} is not mapped" for place, slot in slots.items() if place not in mapped]
    return problems + _media_problems(template, media)


def bind_variables(
    session: Session, template: Template, variables: Mapping[str, Any], contact: FromClause
) -> list[BoundSlot]:
    """Return every slot of the template with its SQL over `contact` (the contact table or an alias of it).

    The value of a tag or an attribute that does not exist is NULL; `unknown_names` lists those.
    """
    tags = _tag_ids(session, variables)
    defaults = _attribute_defaults(session)
    bound = []
    for slot in template_slots(template):
        source = (variables.get(slot.component) or {}).get(slot.key) or {}
        fallback = _text_or_none(source.get("fallback"))
        if source.get("source") == "attribute":
            fallback = fallback or _text_or_none(defaults.get(str(source.get("attribute"))))
        fixed = _text_or_none(source.get("text")) if source.get("source") == "text" else None
        value = literal(fixed) if fixed is not None else _value(source, tags, contact)
        if fixed is None and fallback is not None:
            value = func.coalesce(value, literal(fallback))
        fixed = fixed if fixed is not None else fallback
        bound.append(BoundSlot(slot, fixed, value, _is_missing(source, tags, contact, value)))
    return bound


def unknown_names(session: Session, variables: Any) -> list[str]:
    """Return the tags and attributes of the mapping that do not exist, a line each."""
    tags, attributes = _tag_ids(session, variables), _attribute_defaults(session)
    problems: list[str] = []
    for component, key, source in _entries(variables, []):
        if source.get("source") == "tag" and source.get("tag") not in tags:
            problems.append(f"variables: {component} {key}: there is no tag {source.get('tag')!r}")
        name = source.get("attribute")
        if source.get("source") == "attribute" and name not in attributes and name not in CONTACT_FIELDS:
            problems.append(f"variables: {component} {key}: there is no attribute {name!r}")
    return problems


def source_values_sql(bound: Sequence[BoundSlot]) -> ColumnElement[Any]:
    """Return SQL for the values as JSON, component → key → text."""
    if not bound:
        return literal({}, Json)
    parts: list[Any] = []
    for component in COMPONENTS:
        pairs = [
            part for item in bound if item.slot.component == component for part in (literal(item.slot.key), item.value)
        ]
        if pairs:
            parts += [literal(component), JsonObject(*pairs)]
    return JsonObject(*parts)


def missing_variable_sql(bound: Sequence[BoundSlot]) -> ColumnElement[Any]:
    """Return SQL for the label of the first slot without a value; NULL if all have one."""
    cases = [(item.is_missing, literal(item.slot.label)) for item in bound if item.may_miss]
    return case(*cases, else_=null()) if cases else null()


def _keys(text: Any) -> list[str]:
    keys = list(dict.fromkeys(_VARIABLE.findall(str(text or ""))))
    return sorted(keys, key=int) if all(key.isdigit() for key in keys) else keys


def _button_slots(buttons: Sequence[Mapping[str, Any]]) -> list[TemplateSlot]:
    slots = []
    for index, button in enumerate(buttons):
        kind = str(button.get("type", "")).upper()
        if kind == "OTP" or (kind == "URL" and _VARIABLE.search(str(button.get("url", "")))):
            slots.append(TemplateSlot("buttons", str(index), "url"))
        elif kind == "COPY_CODE":
            slots.append(TemplateSlot("buttons", str(index), "coupon_code"))
    return slots


def _entries(variables: Any, problems: list[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
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
    if kind in {"tag", "attribute", "text"} and not _text_or_none(source.get(kind)):
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


def _media_problems(template: Template, media: Any) -> list[str]:
    required_format = media_format(template)
    header = media.get("header") if isinstance(media, Mapping) else None
    if required_format is None:
        return ["media: the template's header takes no media"] if header else []
    if not isinstance(header, Mapping) or not any(header.get(key) for key in MEDIA_KEYS):
        return [f"media: the template's header needs one {required_format.lower()} (link, id or file)"]
    return []


def _text_or_none(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    return text or None


def _value(source: Mapping[str, Any], tags: Mapping[str, int], contact: FromClause) -> ColumnElement[Any]:
    kind = source.get("source")
    if kind == "tag":
        value = select(ContactTag.value).where(
            ContactTag.contact_id == contact.c.id, ContactTag.tag_id == tags.get(str(source.get("tag")), 0)
        )
        return func.nullif(func.trim(value.scalar_subquery()), "")
    if kind == "order":
        return order_value(str(source.get("field")), contact)
    name = str(source.get("attribute")) if kind == "attribute" else str(kind)
    if name == "first_name":
        first_name = func.nullif(func.trim(contact.c.first_name), "")
        return func.coalesce(first_name, func.nullif(FirstWord(func.trim(contact.c.name)), ""))
    if name in CONTACT_FIELDS:
        return func.nullif(func.trim(contact.c[name]), "")
    return func.nullif(func.trim(JsonField(contact.c.attributes, literal(name))), "")


def _is_missing(
    source: Mapping[str, Any], tags: Mapping[str, int], contact: FromClause, value: ColumnElement[Any]
) -> ColumnElement[bool]:
    if source.get("source") != "tag":
        return value.is_(None)
    tagged = aliased(ContactTag)
    return ~Probe().where(
        tagged.contact_id == contact.c.id,
        tagged.tag_id == tags.get(str(source.get("tag")), 0),
        func.trim(tagged.value) != "",
    )


def _tag_ids(session: Session, variables: Any) -> dict[str, int]:
    names = {str(source.get("tag")) for _, _, source in _entries(variables, []) if source.get("source") == "tag"}
    return {row.name: row.id for row in session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(names)))}


def _attribute_defaults(session: Session) -> dict[str, str | None]:
    return {row.name: row.default for row in session.execute(select(Attribute.name, Attribute.default))}
