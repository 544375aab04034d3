"""Attributes as operators keep them: added, changed, deleted, and written down."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.segments import attributes
from models.tables.audit import AuditAction, record_audit
from models.tables.tag import Attribute, AttributeType


def list_attributes(rt: Runtime) -> list[dict[str, Any]]:
    """Every attribute by name: id, name, type, default."""
    with rt.database.read() as session:
        return [_as_data(row) for row in session.scalars(select(Attribute).order_by(Attribute.name))]


def add_attribute(rt: Runtime, name: str, kind: str, default: str | None, actor: str) -> dict[str, Any]:
    """Define one. BadValue or Refused where that cannot be."""
    now, wanted, name = utcnow(), _type(kind), attributes.new_name(name)
    rewrite = _look(rt, name, wanted)
    try:
        with rt.database.write() as session:
            attribute = attributes.add_attribute(session, name, wanted, default, now, rewrite)
            record_audit(
                session, now, actor, AuditAction.ADD, "attribute", attribute.id, name=attribute.name, type=wanted.value,
                default=attribute.default,
            )  # fmt: skip
            added = _as_data(attribute)
    except IntegrityError:
        raise OperatorError("{name}: there is an attribute of that name already", name=name) from None
    _look_again(rt, name, wanted)
    return added


def change_attribute(
    rt: Runtime, attribute_id: int, kind: str | None, default: str | None, actor: str
) -> dict[str, Any]:
    """Another type or default; None leaves it, an empty default takes it away."""
    return _change(rt, lambda session: attributes.find_attribute(session, attribute_id), kind, default, actor)


def change_named(rt: Runtime, name: str, kind: str | None, default: str | None, actor: str) -> dict[str, Any]:
    """The same, by its name."""
    return _change(rt, lambda session: _named(session, name), kind, default, actor)


def delete_attribute(rt: Runtime, attribute_id: int, actor: str) -> None:
    """Delete one that nothing names any more. Values stay with the people who have them."""
    with rt.database.write() as session:
        name = attributes.delete_attribute(session, attribute_id)
        record_audit(session, utcnow(), actor, AuditAction.DELETE, "attribute", attribute_id, name=name)


def name_of(rt: Runtime, attribute_id: int) -> str:
    """Refused where there is no such attribute."""
    with rt.database.read() as session:
        name = session.scalar(select(Attribute.name).where(Attribute.id == attribute_id))
    if name is None:
        raise OperatorError("attribute {attribute_id}: there is no such attribute", attribute_id=attribute_id)
    return name


def _change(
    rt: Runtime, find: Callable[[Session], Attribute], kind: str | None, default: str | None, actor: str
) -> dict[str, Any]:
    wanted = _type(kind) if kind is not None else None
    with rt.database.read() as session:
        before = _as_data(find(session))
    name, is_retyped = before["name"], wanted is not None and wanted.value != before["type"]
    rewrite = _look(rt, name, wanted) if wanted and is_retyped else ()
    old = (AttributeType(before["type"]), before["default"])
    with rt.database.write() as session:
        after = _as_data(attributes.change_attribute(session, before["id"], wanted, default, rewrite, old))
        if after != before:
            changed = {key: f"{before[key] or '–'} → {after[key] or '–'}" for key in after if after[key] != before[key]}
            record_audit(session, utcnow(), actor, AuditAction.UPDATE, "attribute", before["id"], name=name, **changed)
    if wanted and is_retyped:
        _look_again(rt, name, wanted)
    return after


def _look(rt: Runtime, name: str, kind: AttributeType) -> Sequence[int]:
    """At every stored value, while others write: whose are to be written anew."""
    with rt.database.read() as session:
        return attributes.values_to_rewrite(session, name, kind)


def _look_again(rt: Runtime, name: str, kind: AttributeType) -> None:
    """After the type holds for whoever writes: at what was written between the first look and then."""
    with rt.database.read() as session:
        found = attributes.attribute_usage(session, name, kind)
    if found.stale:
        with rt.database.write() as session:
            attributes.rewrite_values(session, found.stale[: attributes.MAX_REWRITTEN], name, kind)
    if found.bad:
        raise OperatorError(
            "{name}: its type is {kind} now, but meanwhile values came: {bad}; mend them",
            name=name,
            kind=kind.value,
            bad=found.bad,
        )


def _named(session: Session, name: str) -> Attribute:
    attribute = session.scalar(select(Attribute).where(Attribute.name == name.strip()))
    if attribute is None:
        raise OperatorError("{name}: there is no attribute of that name", name=name)
    return attribute


def _type(kind: str) -> AttributeType:
    try:
        return AttributeType(kind)
    except ValueError:
        raise OperatorError(
            "type {kind!r} is not one of {allowed}", kind=kind, allowed=", ".join(AttributeType)
        ) from None


def _as_data(attribute: Attribute) -> dict[str, Any]:
    return {
        "id": attribute.id,
        "name": attribute.name,
        "type": attribute.type.value,
        "default": attribute.default,
    }
