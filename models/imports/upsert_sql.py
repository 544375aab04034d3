"""Writes a chunk of an import: new contacts, changed contacts and their tags, each in one statement (models.db.bulk)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import CursorResult, bindparam, text
from sqlalchemy.orm import Session

from models.contacts.field_values import PROFILE_FIELDS
from models.contacts.person_key import person_key
from models.contacts.tagging import TaggedRow
from models.db.base import UtcDateTime
from models.db.bulk import values_cte
from models.db.dialect import is_sqlite

Record = dict[str, Any]
"""A contact's columns by name, and its `id`, which is None for a new contact."""

WRITTEN = (
    "phone", "raw_phone", "phone_problem", "person_key", *PROFILE_FIELDS, "attributes", "consent", "consent_at",
)  # fmt: skip
"""Columns that an import may change."""
_KINDS = {name: "timestamptz" if name == "consent_at" else "text" for name in WRITTEN}
_NOW = bindparam("now", type_=UtcDateTime())


def insert_contacts(session: Session, records: Sequence[Record], now: datetime) -> None:
    """Insert new contacts, and set the `id` of each record."""
    values_sql, parameters = values_cte(session, "v", _KINDS, [_values(record) for record in records])
    names = ", ".join(WRITTEN)
    statement = text(
        f"WITH {values_sql} INSERT INTO contact"  # noqa: S608 - fixed names
        f" ({names}, has_identity, undeliverable_count, created_at, updated_at)"
        f" SELECT {_selected(session)}, false, 0, :now, :now FROM v RETURNING id, phone, raw_phone"
    )
    inserted = _run(session, statement, parameters, now)
    ids = {row.phone or row.raw_phone: row.id for row in inserted}
    for record in records:
        record["id"] = ids[record["phone"] or record["raw_phone"]]
    _set_keys_without_number(session, [record["id"] for record in records if record["phone"] is None], now)


def update_contacts(session: Session, records: Iterable[Record], now: datetime) -> None:
    """Write the columns of existing contacts."""
    rows = [[record["id"], *_values(record)] for record in records]
    values_sql, parameters = values_cte(session, "v", {"id": "bigint"} | _KINDS, rows)
    sets = ", ".join(f"{name} = {_value(session, name)}" for name in WRITTEN)
    statement = text(
        f"WITH {values_sql} UPDATE contact SET {sets}, updated_at = :now FROM v WHERE contact.id = v.id"  # noqa: S608
    )
    _run(session, statement, parameters, now)


def upsert_tags(session: Session, rows: Sequence[TaggedRow], now: datetime) -> None:
    """Put tags on contacts; None keeps a value that the tag has there. A (contact, tag) pair may occur only once."""
    if not rows:
        return
    columns = {"contact_id": "bigint", "tag_id": "bigint", "value": "text"}
    values_sql, parameters = values_cte(session, "v", columns, rows)
    statement = text(
        f"WITH {values_sql} INSERT INTO contact_tag (contact_id, tag_id, value, created_at)"  # noqa: S608
        " SELECT contact_id, tag_id, value, :now FROM v WHERE true"
        " ON CONFLICT (contact_id, tag_id) DO UPDATE SET value = excluded.value WHERE excluded.value IS NOT NULL"
    )
    _run(session, statement, parameters, now)


def _set_keys_without_number(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Set the person_key of contacts without an E.164 number, each of which counts as a person of its own."""
    if ids:
        rows = [(contact_id, person_key(contact_id=contact_id)) for contact_id in ids]
        values_sql, parameters = values_cte(session, "v", {"id": "bigint", "person_key": "text"}, rows)
        statement = text(
            f"WITH {values_sql} UPDATE contact SET person_key = v.person_key, updated_at = :now FROM v WHERE contact.id = v.id"  # noqa: S608
        )
        _run(session, statement, parameters, now)


def _run(session: Session, statement: Any, parameters: dict[str, Any], now: datetime) -> CursorResult[Any]:
    return session.connection().execute(statement.bindparams(_NOW), parameters | {"now": now})


def _values(record: Record) -> list[Any]:
    plain = ((name, record[name]) for name in WRITTEN)
    return [
        orjson.dumps(value).decode() if name == "attributes" else value.value if isinstance(value, StrEnum) else value
        for name, value in plain
    ]


def _selected(session: Session) -> str:
    return ", ".join(_value(session, name) for name in WRITTEN)


def _value(session: Session, name: str) -> str:
    return "CAST(v.attributes AS jsonb)" if name == "attributes" and not is_sqlite(session) else f"v.{name}"
