"""Compiles the values of a campaign's variables to SQL over contacts, and names what a contact lacks.

The launch stores the values as JSON, place → key → text (models.templates.content).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, func, literal, null, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import FromClause

from models.contacts.field_values import CONTACT_FIELDS
from models.contacts.name_sql import FirstName, FullName
from models.db.base import Json
from models.db.functions import JsonField, JsonObject, Probe
from models.stored_texts import (
    MISSING_ATTRIBUTE,
    MISSING_FIRST_NAME,
    MISSING_NAME,
    MISSING_ORDER,
    MISSING_PRODUCT,
    MISSING_PROFILE,
    MISSING_SHOP,
    MISSING_TAG,
)
from models.tables.tag import ContactTag
from models.tables.template import Template
from models.templates.content import MessageContent
from models.templates.order_fields import order_value
from models.templates.shared_values import SharedValues
from models.templates.slots import TemplateSlot, template_slots
from models.templates.sources import PROFILE_SOURCES, content_sources, text_or_none
from models.templates.tracked_links import is_link
from models.templates.variables import attribute_defaults, mapped_tag_ids
from models.text import Text

LACKABLE = (*PROFILE_SOURCES, "tag", "attribute", "order")
"""Sources whose value a contact may lack."""
_PROFILE = frozenset(PROFILE_SOURCES) - {"name", "first_name"}


@dataclass(frozen=True, slots=True)
class BoundSlot:
    """A slot with its value. `fixed` is the text that is the same for all, or the fallback; None for neither. `value` is the SQL.

    `wanted` names what the value comes from, for people who lack it. `is_missing` is the condition that `value` is NULL, in the
    form that is fastest over a million contacts.
    """

    slot: TemplateSlot
    fixed: str | None
    value: ColumnElement[Any]
    wanted: Text
    is_missing: ColumnElement[bool]

    @property
    def may_miss(self) -> bool:
        """Whether a contact may lack the value."""
        return self.fixed is None


def bind_variables(
    session: Session, template: Template, content: MessageContent, contact: FromClause
) -> list[BoundSlot]:
    """Return every slot of the message with its SQL over `contact` (the contact table or an alias of it), but those of links.

    The value of a tag or an attribute that does not exist is NULL; `unknown_names` lists those.
    """
    tags = mapped_tag_ids(session, content)
    defaults = attribute_defaults(session)
    same = SharedValues(session, template, content)
    bound = []
    for slot in template_slots(template, content):
        source = content.sources(slot.component, slot.card).get(slot.key) or {}
        if is_link(source):
            continue  # a code is made when the message is built (bot.messages.components)
        fallback = text_or_none(source.get("fallback"))
        if source.get("source") == "attribute":
            fallback = fallback or text_or_none(defaults.get(str(source.get("attribute"))))
        fixed = same.value(source, slot.card)
        value = literal(fixed) if fixed is not None else _value(source, tags, contact)
        if fixed is None and fallback is not None:
            value = func.coalesce(value, literal(fallback))
        fixed = fixed if fixed is not None else fallback
        wanted = _wanted(source, content.sku_of(slot.card))
        bound.append(BoundSlot(slot, fixed, value, wanted, _is_missing(source, tags, contact, value)))
    return bound


def lacking_values(session: Session, content: MessageContent) -> list[Text]:
    """Return what the variables' values come from that a contact may lack (tag discount, attribute size), each once, in order."""
    defaults = attribute_defaults(session)
    lacking: dict[str, Text] = {}
    for entry in content_sources(content, []):
        source = entry.source
        kind = source.get("source")
        if kind not in LACKABLE or (kind in {"tag", "attribute"} and text_or_none(source.get(kind)) is None):
            continue  # a fixed text, or a mapping that is not complete
        fallback = text_or_none(source.get("fallback"))
        if kind == "attribute":
            fallback = fallback or text_or_none(defaults.get(str(source.get(kind))))
        if fallback is None:
            wanted = _wanted(source)
            lacking.setdefault(wanted.stored(), wanted)
    return list(lacking.values())


def source_values_sql(bound: Sequence[BoundSlot]) -> ColumnElement[Any]:
    """Return SQL for the values as JSON, place → key → text."""
    if not bound:
        return literal({}, Json)
    parts: list[Any] = []
    for place in dict.fromkeys(item.slot.place for item in bound):
        pairs = [part for item in bound if item.slot.place == place for part in (literal(item.slot.key), item.value)]
        parts += [literal(place), JsonObject(*pairs)]
    return JsonObject(*parts)


def missing_variable_sql(bound: Sequence[BoundSlot]) -> ColumnElement[Any]:
    """Return SQL for what the first variable without a value comes from, as a stored text; NULL if all have one."""
    cases = [(item.is_missing, literal(item.wanted.stored())) for item in bound if item.may_miss]
    return case(*cases, else_=null()) if cases else null()


def _wanted(source: Mapping[str, Any], sku: str | None = None) -> Text:
    """What the value comes from: attribute size, tag discount, order total."""
    kind = source.get("source")
    if kind == "tag":
        return MISSING_TAG(name=str(source.get("tag")))
    if kind == "attribute":
        return MISSING_ATTRIBUTE(name=str(source.get("attribute")))
    if kind == "order":
        return MISSING_ORDER(field=str(source.get("field")))
    if kind == "product":
        return MISSING_PRODUCT(field=str(source.get("field")), sku=str(sku))
    if kind == "shop":
        return MISSING_SHOP()
    if kind in _PROFILE:
        return MISSING_PROFILE(field=str(kind).replace("_", " "))
    return MISSING_FIRST_NAME() if kind == "first_name" else MISSING_NAME()


def _value(source: Mapping[str, Any], tags: Mapping[str, int], contact: FromClause) -> ColumnElement[Any]:
    kind = source.get("source")
    if kind == "tag":
        value = select(ContactTag.value).where(
            ContactTag.contact_id == contact.c.id, ContactTag.tag_id == tags.get(str(source.get("tag")), 0)
        )
        return func.nullif(func.trim(value.scalar_subquery()), "")
    if kind == "order":
        return order_value(str(source.get("field")), contact, source.get("format"))
    if kind in {"product", "shop"}:
        return cast(null(), String)  # what is the same for all is there, or nobody has it
    name = str(source.get("attribute")) if kind == "attribute" else str(kind)
    if name == "first_name":
        return FirstName(contact.c.first_name, contact.c.name)
    if name == "name":
        return FullName(contact.c.name, contact.c.first_name, contact.c.last_name)
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
