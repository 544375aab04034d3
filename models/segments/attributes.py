"""Attributes by themselves: defining them with a type and a default, changing both, deleting them."""

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
"""Values that are written anew in one transaction because their type changes."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class AttributeUsage:
    """What the stored values of an attribute say to another type."""

    stale: Sequence[int]
    """The contacts whose value is of the type and stored otherwise."""
    bad: str = ""
    """How many are not of the type, with an example, as a sentence goes on; empty for none."""


def attribute_usage(session: Session, name: str, kind: AttributeType) -> AttributeUsage:
    """Look at every stored value. It takes seconds with many contacts: never under the write lock."""
    text, number = (make(Contact.attributes, literal(name)) for make in (JsonField, JsonNumber))
    rows = session.execute(
        select(Contact.id, text, number.is_not(None)).where(text.is_not(None)).order_by(Contact.id),
        execution_options={"yield_per": 1000},
    )
    bad, example, stale = 0, "", []
    for contact_id, found, is_number in rows:
        stored = str(found)
        try:
            value = read_value(kind, stored, name)
        except FieldValueError:
            bad, example = bad + 1, example or stored[:40]
            continue
        if is_number is not isinstance(value, int | float) or (not is_number and value != stored):
            stale.append(contact_id)
    words = f"{bad} stored value{'s are' if bad > 1 else ' is'} no {kind.value}, such as “{example}”"
    return AttributeUsage(stale, words if bad else "")


def values_to_rewrite(session: Session, name: str, kind: AttributeType) -> Sequence[int]:
    """Whose values have to be written anew for the type. Refused where one cannot be, or they are too many."""
    found = attribute_usage(session, name, kind)
    if found.bad:
        raise OperatorError("{name}: {bad}; mend them first", name=name, bad=found.bad)
    if len(found.stale) > MAX_REWRITTEN:
        raise OperatorError(
            "{name}: {count} stored values would have to be written anew, at most {max_rewritten} are; "
            "add an attribute of the type {kind} under another name and import its values",
            name=name,
            count=len(found.stale),
            max_rewritten=MAX_REWRITTEN,
            kind=kind.value,
        )
    return found.stale


def add_attribute(
    session: Session, name: str, kind: AttributeType, default: str | None, now: datetime, rewrite: Sequence[int] = ()
) -> Attribute:
    """Define one. BadValue or Refused where the name or the default does not allow it.

    `rewrite`: whose values of an earlier attribute of that name are written anew (`values_to_rewrite`).
    """
    name = new_name(name)
    _lock_people(session, rewrite)
    if session.scalar(select(Attribute.id).where(Attribute.name == name)) is not None:
        raise OperatorError("{name}: there is an attribute of that name already", name=name)
    attribute = Attribute(name=name, type=kind, default=read_default(kind, default or ""), created_at=now)
    session.add(attribute)
    session.flush()
    rewrite_values(session, rewrite, name, kind)
    return attribute


def new_name(name: str) -> str:
    """A name that an attribute can have. BadValue or Refused for another."""
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
    """Another type, another default; None leaves it, an empty default takes it away. Nothing is half-changed: it refuses.

    `rewrite`: whose values are written anew for another type (`values_to_rewrite`); `old`: what it was when they were found.
    """
    _lock_people(session, rewrite)
    attribute = require_attribute(session, attribute_id)
    if old is not None and (attribute.type, attribute.default) != old:
        raise OperatorError(
            "{attribute_name}: somebody else has changed it meanwhile; look at it again", attribute_name=attribute.name
        )
    wanted = kind or attribute.type
    is_retyped = wanted is not attribute.type
    text = (attribute.default or "") if default is None else default
    attribute.type, attribute.default = wanted, read_default(wanted, text)
    session.flush()
    if is_retyped:
        if words := campaigns_preparing(session, "attribute", attribute.name):
            raise OperatorError(
                "the attribute “{attribute_name}” is used by {words}, being prepared now; wait until it sends",
                attribute_name=attribute.name,
                words=words,
            )
        _check_segments(session, attribute.name)
        rewrite_values(session, rewrite, attribute.name, wanted)
    return attribute


def delete_attribute(session: Session, attribute_id: int) -> str:
    """Delete its definition; its name. Refused while something names it. Values stay with the people who have them."""
    attribute = require_attribute(session, attribute_id)
    name = attribute.name
    if words := find_references(session, "attribute", name).words:
        raise OperatorError(
            "the attribute “{name}” is still used by {words}; take it out there first", name=name, words=words
        )
    session.execute(delete(Attribute).where(Attribute.id == attribute_id))
    return name


def require_attribute(session: Session, attribute_id: int) -> Attribute:
    """The attribute, locked until the transaction ends. Refused where there is none."""
    return find_attribute(session, attribute_id, locked=True)


def find_attribute(session: Session, attribute_id: int, *, locked: bool = False) -> Attribute:
    """The attribute. Refused where there is none."""
    attribute = session.get(Attribute, attribute_id, with_for_update=locked)
    if attribute is None:
        raise OperatorError("attribute {attribute_id}: there is no such attribute", attribute_id=attribute_id)
    return attribute


def read_default(kind: AttributeType, text: str) -> str | None:
    """A default as it is kept, None for an empty one. BadValue where it is not of the type or Meta would refuse it."""
    text = read_text(text, MAX_DEFAULT, "the default")
    if not text:
        return None
    value = as_text(read_value(kind, text, "the default"))
    if problem := parameter_problem(value):
        raise FieldValueError("the default cannot be sent: {problem}", problem=problem)
    return value


def _check_segments(session: Session, name: str) -> None:
    """A segment that cannot be read with the new type would match nobody any more."""
    for segment in find_references(session, "attribute", name).segments:
        try:
            parse_rule(session, segment.rule, inside=(segment.name,))
        except RuleError as error:
            raise OperatorError(
                "the segment “{segment_name}” would not be readable: {error}", segment_name=segment.name, error=error
            ) from None


def _lock_people(session: Session, ids: Sequence[int]) -> None:
    """Before the attribute, the order in which whoever sets a value locks them."""
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        session.execute(select(Contact.id).where(Contact.id.in_(chunk)).order_by(Contact.id).with_for_update())


def rewrite_values(session: Session, ids: Sequence[int], name: str, kind: AttributeType) -> None:
    """Write the values of these contacts as the type has them. BadValue where one is not of it any more."""
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
