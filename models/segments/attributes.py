"""Defines, changes and deletes attributes (custom fields of contacts), and rewrites stored values when a type changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, literal, select
from sqlalchemy.orm import Session

from models.contacts.field_values import (
    PROFILE_FIELDS,
    RESERVED_COLUMNS,
    FieldValueError,
    Value,
    read_name,
    read_text,
    read_value,
)
from models.db.functions import JsonField, JsonNumber
from models.errors import OperatorError
from models.segments.operators import RuleError
from models.segments.references import campaigns_preparing, find_references
from models.segments.rule import parse_rule
from models.tables.contact import Contact
from models.tables.tag import Attribute, AttributeType
from models.templates.parameters import as_text, parameter_problem

MAX_DEFAULT = 500
MAX_REWRITTEN = 20_000
"""Values that are rewritten in one transaction because their type changes."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class AttributeUsage:
    """How the stored values of an attribute fit another type."""

    stale: Sequence[int]
    """Ids of contacts whose value is valid for the type, but stored in another form."""
    bad: str = ""
    """A clause that says how many values are invalid for the type, with an example; empty for none."""


def attribute_usage(session: Session, name: str, kind: AttributeType) -> AttributeUsage:
    """Check every stored value. Takes seconds with many contacts: do not call it under the write lock."""
    text, number = (make(Contact.attributes, literal(name)) for make in (JsonField, JsonNumber))
    rows = session.execute(
        select(Contact.id, text, number.is_not(None)).where(text.is_not(None)).order_by(Contact.id),
        execution_options={"yield_per": 1000},
    )
    bad, example, stale = 0, "", []
    for contact_id, text_value, is_number in rows:
        stored = str(text_value)
        try:
            value = read_value(kind, stored, name)
        except FieldValueError:
            bad, example = bad + 1, example or stored[:40]
            continue
        if is_number is not isinstance(value, int | float) or (not is_number and value != stored):
            stale.append(contact_id)
    clause = f"{bad} stored value{'s are' if bad > 1 else ' is'} no {kind.value}, such as “{example}”"
    return AttributeUsage(stale, clause if bad else "")


def values_to_rewrite(session: Session, name: str, kind: AttributeType) -> Sequence[int]:
    """Return the ids of contacts whose values must be rewritten for the type.

    Raises OperatorError if a value is invalid for it, or there are more than `MAX_REWRITTEN`.
    """
    usage = attribute_usage(session, name, kind)
    if usage.bad:
        raise OperatorError("{name}: {bad}; mend them first", name=name, bad=usage.bad)
    if len(usage.stale) > MAX_REWRITTEN:
        raise OperatorError(
            "{name}: {count} stored values would have to be written anew, at most {max_rewritten} are; "
            "add an attribute of the type {kind} under another name and import its values",
            name=name,
            count=len(usage.stale),
            max_rewritten=MAX_REWRITTEN,
            kind=kind.value,
        )
    return usage.stale


def add_attribute(
    session: Session, name: str, kind: AttributeType, default: str | None, now: datetime, rewrite: Sequence[int] = ()
) -> Attribute:
    """Define an attribute. `rewrite`: ids of contacts whose values of an earlier attribute of that name are rewritten
    (`values_to_rewrite`).

    Raises OperatorError if the name is taken or reserved, FieldValueError if the name or the default is invalid.
    """
    name = new_name(name)
    _lock_contacts(session, rewrite)
    if session.scalar(select(Attribute.id).where(Attribute.name == name)) is not None:
        raise OperatorError("{name}: there is an attribute of that name already", name=name)
    attribute = Attribute(name=name, type=kind, default=read_default(kind, default or ""), created_at=now)
    session.add(attribute)
    session.flush()
    rewrite_values(session, rewrite, name, kind)
    return attribute


def new_name(name: str) -> str:
    """Return the stripped name. Raises FieldValueError if it is invalid, OperatorError if it is a field of every contact."""
    name = read_name(name, "an attribute")
    if name.lower() in PROFILE_FIELDS or name.lower() in RESERVED_COLUMNS:
        raise OperatorError("{name}: every contact has that field already; choose another name", name=name)
    return name


def change_attribute(
    session: Session,
    attribute_id: int,
    kind: AttributeType | None,
    default: str | None,
    rewrite: Sequence[int] = (),
    old: tuple[AttributeType, str | None] | None = None,
) -> Attribute:
    """Change type and default. None keeps them, an empty default removes it. Changes nothing if it raises.

    `rewrite`: ids of contacts whose values are rewritten for the new type (`values_to_rewrite`); `old`: type and default when they
    were determined. Raises OperatorError if the attribute is no longer as in `old`, a campaign that uses it is being
    prepared, or a segment would be invalid; FieldValueError if the default or a value is invalid.
    """
    _lock_contacts(session, rewrite)
    attribute = require_attribute(session, attribute_id)
    if old is not None and (attribute.type, attribute.default) != old:
        raise OperatorError(
            "{attribute_name}: somebody else has changed it meanwhile; look at it again", attribute_name=attribute.name
        )
    new_type = kind or attribute.type
    is_retyped = new_type is not attribute.type
    text = (attribute.default or "") if default is None else default
    attribute.type, attribute.default = new_type, read_default(new_type, text)
    session.flush()
    if is_retyped:
        if campaign_names := campaigns_preparing(session, "attribute", attribute.name):
            raise OperatorError(
                "the attribute “{attribute_name}” is used by {words}, being prepared now; wait until it sends",
                attribute_name=attribute.name,
                words=campaign_names,
            )
        _check_segments(session, attribute.name)
        rewrite_values(session, rewrite, attribute.name, new_type)
    return attribute


def delete_attribute(session: Session, attribute_id: int) -> str:
    """Delete the definition and return the name; contacts keep their values. Raises OperatorError while something refers to it."""
    attribute = require_attribute(session, attribute_id)
    name = attribute.name
    if reference_text := find_references(session, "attribute", name).words:
        raise OperatorError(
            "the attribute “{name}” is still used by {words}; take it out there first", name=name, words=reference_text
        )
    session.execute(delete(Attribute).where(Attribute.id == attribute_id))
    return name


def require_attribute(session: Session, attribute_id: int) -> Attribute:
    """Return the attribute, locked until the transaction ends. Raises OperatorError if there is none."""
    return find_attribute(session, attribute_id, locked=True)


def find_attribute(session: Session, attribute_id: int, *, locked: bool = False) -> Attribute:
    """Return the attribute. Raises OperatorError if there is none."""
    attribute = session.get(Attribute, attribute_id, with_for_update=locked)
    if attribute is None:
        raise OperatorError("attribute {attribute_id}: there is no such attribute", attribute_id=attribute_id)
    return attribute


def read_default(kind: AttributeType, text: str) -> str | None:
    """Return a default as it is stored, None for an empty one. Raises FieldValueError if the type or Meta would refuse it."""
    text = read_text(text, MAX_DEFAULT, "the default")
    if not text:
        return None
    value = as_text(read_value(kind, text, "the default"))
    if problem := parameter_problem(value):
        raise FieldValueError("the default cannot be sent: {problem}", problem=problem)
    return value


def _check_segments(session: Session, name: str) -> None:
    """Raise OperatorError if a segment is invalid with the new type: it could not be evaluated any more."""
    for segment in find_references(session, "attribute", name).segments:
        try:
            parse_rule(session, segment.rule, inside=(segment.name,))
        except RuleError as error:
            raise OperatorError(
                "the segment “{segment_name}” would not be readable: {error}", segment_name=segment.name, error=error
            ) from None


def _lock_contacts(session: Session, ids: Sequence[int]) -> None:
    """Lock the contacts before the attribute: the same order as in setting a value."""
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        session.execute(select(Contact.id).where(Contact.id.in_(chunk)).order_by(Contact.id).with_for_update())


def rewrite_values(session: Session, ids: Sequence[int], name: str, kind: AttributeType) -> None:
    """Rewrite the values of these contacts in the type's form. Raises FieldValueError if one is no longer valid for it."""
    for start in range(0, len(ids), CHUNK):
        _rewrite(session, ids[start : start + CHUNK], name, kind)


def _rewrite(session: Session, ids: Sequence[int], name: str, kind: AttributeType) -> None:
    contacts = session.scalars(select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id).with_for_update())
    for contact in contacts:
        if name in contact.attributes:
            value: Value = read_value(kind, as_text(contact.attributes[name]), name)
            contact.attributes = {**contact.attributes, name: value}
    session.flush()
    session.expire_all()
