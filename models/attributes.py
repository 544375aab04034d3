"""Attributes by themselves: defining them with a type and a default, changing both, deleting them."""

from datetime import datetime

from sqlalchemy import delete, literal, select
from sqlalchemy.orm import Session

from models.attribute_values import OWN_FIELDS, BadValue, Value, read_name, read_text, read_value
from models.contact import Contact
from models.functions import JsonField, JsonNumber
from models.group_names import who_names
from models.import_row import OWN_PLACES
from models.parameter import as_text, parameter_problem
from models.refusal import Refused
from models.rule import parse_rule
from models.rule_terms import RuleError
from models.tag import Attribute, AttributeType

MOST_DEFAULT = 500
MOST_REWRITTEN = 20_000
"""Values that are written anew in one transaction because their type changes."""
CHUNK = 500


def add_attribute(session: Session, name: str, kind: AttributeType, default: str | None, now: datetime) -> Attribute:
    """Define one. BadValue or Refused where the name, the default or values that people still have do not allow it."""
    name = read_name(name, "an attribute")
    if name.lower() in OWN_FIELDS or name.lower() in OWN_PLACES:
        raise Refused(f"{name}: every contact has that field already; choose another name")
    if session.scalar(select(Attribute.id).where(Attribute.name == name)) is not None:
        raise Refused(f"{name}: there is an attribute of that name already")
    attribute = Attribute(name=name, type=kind, default=read_default(kind, default or ""), created_at=now)
    session.add(attribute)
    session.flush()
    if kind is not AttributeType.TEXT:
        _retype(session, name, kind)
    return attribute


def change_attribute(session: Session, attribute_id: int, kind: AttributeType | None, default: str | None) -> Attribute:
    """Another type, another default; None leaves it, an empty default takes it away. Nothing is half-changed: it refuses."""
    attribute = the_attribute(session, attribute_id)
    wanted = kind or attribute.type
    is_retyped = wanted is not attribute.type
    text = (attribute.default or "") if default is None else default
    attribute.type, attribute.default = wanted, read_default(wanted, text)
    session.flush()
    if is_retyped:
        _check_segments(session, attribute.name)
        _retype(session, attribute.name, wanted)
    return attribute


def delete_attribute(session: Session, attribute_id: int) -> str:
    """Delete its definition; its name. Refused while something names it. Values stay with the people who have them."""
    attribute = the_attribute(session, attribute_id)
    name = attribute.name
    if words := who_names(session, "attribute", name).words:
        raise Refused(f"the attribute “{name}” is still used by {words}; take it out there first")
    session.execute(delete(Attribute).where(Attribute.id == attribute_id))
    return name


def the_attribute(session: Session, attribute_id: int) -> Attribute:
    """The attribute, locked until the transaction ends. Refused where there is none."""
    attribute = session.get(Attribute, attribute_id, with_for_update=True)
    if attribute is None:
        raise Refused(f"attribute {attribute_id}: there is no such attribute")
    return attribute


def read_default(kind: AttributeType, text: str) -> str | None:
    """A default as it is kept, None for an empty one. BadValue where it is not of the type or Meta would refuse it."""
    text = read_text(text, MOST_DEFAULT, "the default")
    if not text:
        return None
    value = as_text(read_value(kind, text, "the default"))
    if problem := parameter_problem(value):
        raise BadValue(f"the default cannot be sent: {problem}")
    return value


def _check_segments(session: Session, name: str) -> None:
    """A segment that cannot be read with the new type would match nobody any more."""
    for segment in who_names(session, "attribute", name).segments:
        try:
            parse_rule(session, segment.rule, inside=(segment.name,))
        except RuleError as error:
            raise Refused(f"the segment “{segment.name}” would not be readable: {error}") from None


def _retype(session: Session, name: str, kind: AttributeType) -> None:
    """Have every stored value be of the type; Refused where one cannot be read so, or too many would be written anew."""
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
        except BadValue:
            bad, example = bad + 1, example or stored[:40]
            continue
        if is_number is not isinstance(value, int | float) or (not is_number and value != stored):
            stale.append(contact_id)
    if bad:
        raise Refused(
            f"{name}: {bad} stored value{'s are' if bad > 1 else ' is'} no {kind.value}, such as “{example}”; mend them first"
        )
    if len(stale) > MOST_REWRITTEN:
        raise Refused(
            f"{name}: {len(stale)} stored values would have to be written anew, at most {MOST_REWRITTEN} are; "
            f"add an attribute of the type {kind.value} under another name and import its values"
        )
    for start in range(0, len(stale), CHUNK):
        _rewrite(session, stale[start : start + CHUNK], name, kind)


def _rewrite(session: Session, ids: list[int], name: str, kind: AttributeType) -> None:
    contacts = session.scalars(select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id).with_for_update())
    for contact in contacts:
        if name in contact.attributes:
            value: Value = read_value(kind, as_text(contact.attributes[name]), name)
            contact.attributes = {**contact.attributes, name: value}
    session.flush()
    session.expire_all()
