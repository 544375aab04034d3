"""Sets and removes tags, attribute values and list memberships of contacts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.field_values import (
    PROFILE_FIELDS,
    FieldValueError,
    Value,
    read_name,
    read_profile_value,
    read_text,
    read_value,
)
from models.contacts.tag_key import tag_key
from models.contacts.tag_names import find_tag_id, find_tag_ids, lock_tag_names
from models.db.dialect import insert_into
from models.tables.contact import Contact
from models.tables.tag import Attribute, AttributeType, ContactList, ContactTag, ListMember, Tag

CHUNK = 500
MAX_VALUE_CHARACTERS = 500
TaggedRow = tuple[int, int, str | None]
"""(contact id, tag id, value)"""


def tag_ids(session: Session, names: Iterable[str], now: datetime) -> dict[str, int]:
    """Return name → id of these tags, and create the missing ones. Case does not matter: `VIP` is the tag `vip`.

    Raises FieldValueError if a name is not allowed.
    """
    tag_names = list(dict.fromkeys(read_name(name, "a tag") for name in names))
    ids = find_tag_ids(session, tag_names)
    if len(ids) < len(tag_names):
        lock_tag_names(session)
        ids = find_tag_ids(session, tag_names)
        new = {tag_key(name): name for name in reversed(tag_names) if name not in ids}
        rows = [{"name": name, "description": "", "created_at": now} for name in new.values()]
        if rows:
            session.connection().execute(insert_into(session, Tag.__table__).on_conflict_do_nothing(), rows)
            ids = find_tag_ids(session, tag_names)
    return ids


def put_tag(session: Session, contact_id: int, name: str, value: str | None, now: datetime) -> None:
    """Put the tag on the contact; None keeps a value that the tag has there. Raises FieldValueError if it is not allowed."""
    put_tags(session, [(contact_id, name, value)], now)


def put_tags(session: Session, rows: Sequence[tuple[int, str, str | None]], now: datetime) -> None:
    """Put many (contact id, tag name, value) on contacts, as `put_tag` does."""
    ids = tag_ids(session, (name for _, name, _ in rows), now)
    put_tag_rows(
        session, [(contact_id, ids[name.strip()], read_tag_value(value)) for contact_id, name, value in rows], now
    )


def put_tag_rows(session: Session, rows: Sequence[TaggedRow], now: datetime) -> None:
    """The same by tag ids, for callers that have the ids and have read the values."""
    session.flush()
    for has_value in (True, False):
        group = [row for row in rows if (row[2] is not None) is has_value]
        if group:
            statement = insert_into(session, ContactTag.__table__)
            keys = ["contact_id", "tag_id"]
            if has_value:
                statement = statement.on_conflict_do_update(
                    index_elements=keys, set_={"value": statement.excluded.value}
                )
            else:
                statement = statement.on_conflict_do_nothing(index_elements=keys)
            values = [{"contact_id": c, "tag_id": t, "value": v, "created_at": now} for c, t, v in group]
            session.connection().execute(statement, values)


def read_tag_value(value: str | None) -> str | None:
    """Return the trimmed value of a tag, or None if it is empty. Raises FieldValueError if it is not allowed."""
    return (read_text(value, MAX_VALUE_CHARACTERS, "a tag's value") or None) if value is not None else None


def remove_tag(session: Session, contact_ids: Iterable[int] | int, name: str) -> int:
    """Take the tag off the contacts; return how many had it. An unknown tag gives 0."""
    ids = [contact_ids] if isinstance(contact_ids, int) else list(contact_ids)
    tag_id, removed = find_tag_id(session, name), 0
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        removed += _row_count(
            session, delete(ContactTag).where(ContactTag.contact_id.in_(chunk), ContactTag.tag_id == tag_id)
        )
    return removed


def define_attributes(session: Session, names: Iterable[str], now: datetime) -> dict[str, AttributeType]:
    """Return name → type of these attributes, and define the missing ones as text.

    Raises FieldValueError if a name is not allowed.
    """
    attribute_names = sorted({read_name(name, "an attribute") for name in names})
    _ids_by_name(session, Attribute, attribute_names, {"type": AttributeType.TEXT, "default": None, "created_at": now})
    return attribute_types(session, attribute_names)


def attribute_types(session: Session, names: Sequence[str]) -> dict[str, AttributeType]:
    """Return name → type of those that exist."""
    rows = session.execute(select(Attribute.name, Attribute.type).where(Attribute.name.in_(names)))
    return {row.name: row.type for row in rows}


def put_attribute(session: Session, contact_id: int, name: str, value: str | None, now: datetime) -> None:
    """Set a field by its name: a profile field (`language`), else a custom attribute; None removes the value.

    Raises FieldValueError if the field or the attribute's type does not allow the value, and for the phone.
    """
    if name in PROFILE_FIELDS:
        emptied = "" if name == "name" else None
        values: dict[str, Any] = {name: emptied if value is None else read_profile_value(name, value)}
    elif name == "phone":
        raise FieldValueError("the phone is no attribute; it is what the contact is known by")
    else:
        # Locks the contact first, then the attribute, in the order of a change of type, which waits for values of the old type.
        session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
        define_attributes(session, [name], now)
        of_type = select(Attribute.type).where(Attribute.name == name.strip()).with_for_update(read=True)
        kind = session.scalars(of_type).one()
        values = {"attributes": _new_attributes(session, contact_id, name.strip(), value, kind)}
    session.execute(update(Contact).where(Contact.id == contact_id).values(**values, updated_at=now))


def add_members(session: Session, list_id: int, contact_ids: Iterable[int], now: datetime) -> int:
    """Put contacts on a list; return how many were not on it."""
    ids = sorted(set(contact_ids))
    added = 0
    statement = insert_into(session, ListMember.__table__).on_conflict_do_nothing(
        index_elements=["list_id", "contact_id"]
    )
    for start in range(0, len(ids), CHUNK):
        rows = [{"list_id": list_id, "contact_id": key, "created_at": now} for key in ids[start : start + CHUNK]]
        added += len(session.connection().execute(statement.values(rows).returning(ListMember.contact_id)).all())
    return added


def remove_members(session: Session, list_id: int, contact_ids: Sequence[int]) -> int:
    """Take contacts off a list; return how many were on it."""
    return _row_count(
        session, delete(ListMember).where(ListMember.list_id == list_id, ListMember.contact_id.in_(contact_ids))
    )


def members_among(session: Session, list_id: int, contact_ids: Iterable[int]) -> int:
    """Count the contacts that are on the list."""
    ids = list(contact_ids)
    count = select(func.count()).select_from(ListMember).where(ListMember.list_id == list_id)
    chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return sum(session.scalar(count.where(ListMember.contact_id.in_(chunk))) or 0 for chunk in chunks)


def list_id(session: Session, name: str, now: datetime) -> int:
    """Return the id of the list of that name, created if there is none. Raises FieldValueError if the name is not allowed."""
    name = read_list_name(name)
    return _ids_by_name(session, ContactList, [name], {"created_at": now})[name]


def find_list(session: Session, name: str) -> int | None:
    """Return the id of the list of that name, or None. Raises FieldValueError if the name is not allowed."""
    return session.scalar(select(ContactList.id).where(ContactList.name == read_list_name(name)))


def read_list_name(name: str) -> str:
    """Return the trimmed name of a list. Raises FieldValueError if it is empty, too long or no text."""
    name = read_text(name, 200, "a list's name")
    if not name:
        raise FieldValueError("a list has no name")
    return name


def _new_attributes(
    session: Session, contact_id: int, name: str, value: str | None, kind: AttributeType
) -> Mapping[str, Value]:
    attributes: dict[str, Value] = dict(
        session.scalar(select(Contact.attributes).where(Contact.id == contact_id).with_for_update()) or {}
    )
    if value is None:
        attributes.pop(name, None)
    else:
        attributes[name] = read_value(kind, value, name)
    return attributes


def _ids_by_name(
    session: Session,
    table: type[Attribute] | type[ContactList],
    names: Sequence[str],
    values: dict[str, Any],
) -> dict[str, int]:
    lookup = select(table.name, table.id).where(table.name.in_(names))
    ids = {row.name: row.id for row in session.execute(lookup)}
    missing = [name for name in names if name not in ids]
    if missing:
        statement = insert_into(session, table.__table__).on_conflict_do_nothing(index_elements=["name"])
        session.connection().execute(statement, [{"name": name, **values} for name in missing])
        ids = {row.name: row.id for row in session.execute(lookup)}
    return ids


def _row_count(session: Session, statement: Any) -> int:
    result: CursorResult[Any] = session.connection().execute(statement)
    return result.rowcount


DELETED_PREFIX = " gone "
"""Begins the name of a deleted tag or list until its last row is deleted. No name that is read begins so: names are trimmed."""


def is_deleted_name(name: str) -> bool:
    """Whether it is the name of a deleted tag or list whose rows are still being deleted."""
    return name.startswith(DELETED_PREFIX)


def not_deleted(table: type[Tag] | type[ContactList]) -> Any:
    """SQL condition: the tag or list is not marked for deletion."""
    return ~table.name.startswith(DELETED_PREFIX)
