"""Adds, changes and deletes attributes, the typed fields of contacts, and records it in the audit."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.segments import attributes
from models.tables.audit import AuditAction, record_audit
from models.tables.tag import Attribute, AttributeType


def list_attributes(rt: Runtime) -> list[dict[str, Any]]:
    """Every attribute, sorted by name: `{"id", "name", "type", "default"}`."""
    with rt.database.read() as session:
        return [_to_json(row) for row in session.scalars(select(Attribute).order_by(Attribute.name))]


@retry_conflicts
def add_attribute(rt: Runtime, name: str, kind: str, default: str | None, actor: str) -> dict[str, Any]:
    """Define an attribute; returns it as in `list_attributes`.

    Raises FieldValueError if the name or the default is bad, and OperatorError if the name is taken, the type is unknown or
    values that contacts already have do not fit it.
    """
    now, attribute_type, name = utcnow(), _read_type(kind), attributes.new_name(name)
    rewrite = _values_to_rewrite(rt, name, attribute_type)
    try:
        with rt.database.write() as session:
            attribute = attributes.add_attribute(session, name, attribute_type, default, now, rewrite)
            record_audit(
                session, now, actor, AuditAction.ADD, "attribute", attribute.id, name=attribute.name, type=attribute_type.value,
                default=attribute.default,
            )  # fmt: skip
            added = _to_json(attribute)
    except IntegrityError:
        raise OperatorError("{name}: there is an attribute of that name already", name=name) from None
    _rewrite_late_values(rt, name, attribute_type)
    return added


def change_attribute(
    rt: Runtime, attribute_id: int, kind: str | None, default: str | None, actor: str
) -> dict[str, Any]:
    """Change type or default; None keeps it, an empty default removes it.

    Raises OperatorError if there is no such attribute or values that contacts already have do not fit the type.
    """
    return _change(rt, lambda session: attributes.find_attribute(session, attribute_id), kind, default, actor)


def change_attribute_by_name(
    rt: Runtime, name: str, kind: str | None, default: str | None, actor: str
) -> dict[str, Any]:
    """Like `change_attribute`, by name."""
    return _change(rt, lambda session: _attribute_by_name(session, name), kind, default, actor)


@retry_conflicts
def delete_attribute(rt: Runtime, attribute_id: int, actor: str) -> None:
    """Delete an attribute; the values that contacts have stay.

    Raises OperatorError if there is no such attribute, or a campaign, segment or flow refers to it.
    """
    with rt.database.write() as session:
        name = attributes.delete_attribute(session, attribute_id)
        record_audit(session, utcnow(), actor, AuditAction.DELETE, "attribute", attribute_id, name=name)


def attribute_name(rt: Runtime, attribute_id: int) -> str:
    """The name of an attribute. Raises OperatorError if there is no such attribute."""
    with rt.database.read() as session:
        name = session.scalar(select(Attribute.name).where(Attribute.id == attribute_id))
    if name is None:
        raise OperatorError("attribute {attribute_id}: there is no such attribute", attribute_id=attribute_id)
    return name


@retry_conflicts
def _change(
    rt: Runtime, find: Callable[[Session], Attribute], kind: str | None, default: str | None, actor: str
) -> dict[str, Any]:
    new_type = _read_type(kind) if kind is not None else None
    with rt.database.read() as session:
        before = _to_json(find(session))
    name, is_retyped = before["name"], new_type is not None and new_type.value != before["type"]
    rewrite = _values_to_rewrite(rt, name, new_type) if new_type and is_retyped else ()
    old = (AttributeType(before["type"]), before["default"])
    with rt.database.write() as session:
        after = _to_json(attributes.change_attribute(session, before["id"], new_type, default, rewrite, old))
        if after != before:
            changed = {key: f"{before[key] or '–'} → {after[key] or '–'}" for key in after if after[key] != before[key]}
            record_audit(session, utcnow(), actor, AuditAction.UPDATE, "attribute", before["id"], name=name, **changed)
    if new_type and is_retyped:
        _rewrite_late_values(rt, name, new_type)
    return after


def _values_to_rewrite(rt: Runtime, name: str, kind: AttributeType) -> Sequence[int]:
    """The contacts whose stored value must be rewritten for the type, read while others write."""
    with rt.database.read() as session:
        return attributes.values_to_rewrite(session, name, kind)


@retry_conflicts
def _rewrite_late_values(rt: Runtime, name: str, kind: AttributeType) -> None:
    """Rewrite values that were written between the first check and the change of the type, which binds every writer since."""
    with rt.database.read() as session:
        usage = attributes.attribute_usage(session, name, kind)
    if usage.stale:
        with rt.database.write() as session:
            attributes.rewrite_values(session, usage.stale[: attributes.MAX_REWRITTEN], name, kind)
    if usage.bad:
        raise OperatorError(
            "{name}: its type is {kind} now, but meanwhile values came: {bad}; mend them",
            name=name,
            kind=kind.value,
            bad=usage.bad,
        )


def _attribute_by_name(session: Session, name: str) -> Attribute:
    attribute = session.scalar(select(Attribute).where(Attribute.name == name.strip()))
    if attribute is None:
        raise OperatorError("{name}: there is no attribute of that name", name=name)
    return attribute


def _read_type(kind: str) -> AttributeType:
    try:
        return AttributeType(kind)
    except ValueError:
        raise OperatorError(
            "type {kind!r} is not one of {allowed}", kind=kind, allowed=", ".join(AttributeType)
        ) from None


def _to_json(attribute: Attribute) -> dict[str, Any]:
    return {
        "id": attribute.id,
        "name": attribute.name,
        "type": attribute.type.value,
        "default": attribute.default,
    }
