"""Writing a chunk of an import: new contacts, changed ones and their tags, each in one statement (models.db.bulk)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import CursorResult, bindparam, text
from sqlalchemy.orm import Session

from models.contacts.field_values import PROFILE_FIELDS
from models.contacts.phone import person_key
from models.contacts.tagging import TaggedRow
from models.db.base import UtcDateTime
from models.db.bulk import values_cte
from models.db.dialect import is_sqlite

Record = dict[str, Any]
"""A contact's columns by name, with its `id`, None for one that is to be made."""

WRITTEN = (
    "phone", "raw_phone", "phone_problem", "person_key", *PROFILE_FIELDS, "attributes", "consent", "consent_at",
)  # fmt: skip
"""What an import may change of a contact."""
_KINDS = {name: "timestamptz" if name == "consent_at" else "text" for name in WRITTEN}
_NOW = bindparam("now", type_=UtcDateTime())


def insert_contacts(session: Session, records: Sequence[Record], now: datetime) -> None:
    """Make them; each gets its id."""
    given, parameters = values_cte(session, "v", _KINDS, [_values(record) for record in records])
    names = ", ".join(WRITTEN)
    statement = text(
        f"WITH {given} INSERT INTO contact"  # noqa: S608 - names are ours
        f" ({names}, has_identity, undeliverable_count, created_at, updated_at)"
        f" SELECT {_selected(session)}, false, 0, :now, :now FROM v RETURNING id, phone, raw_phone"
    )
    made = _run(session, statement, parameters, now)
    ids = {row.phone or row.raw_phone: row.id for row in made}
    for record in records:
        record["id"] = ids[record["phone"] or record["raw_phone"]]
    _name_those_without_number(session, [record["id"] for record in records if record["phone"] is None], now)


def update_contacts(session: Session, records: Iterable[Record], now: datetime) -> None:
    """Write them as they are now."""
    rows = [[record["id"], *_values(record)] for record in records]
    given, parameters = values_cte(session, "v", {"id": "bigint"} | _KINDS, rows)
    sets = ", ".join(f"{name} = {_value(session, name)}" for name in WRITTEN)
    statement = text(
        f"WITH {given} UPDATE contact SET {sets}, updated_at = :now FROM v WHERE contact.id = v.id"  # noqa: S608
    )
    _run(session, statement, parameters, now)


def upsert_tags(session: Session, rows: Sequence[TaggedRow], now: datetime) -> None:
    """Each pair once: the tag on the contact; without a value, one that it has stays."""
    if not rows:
        return
    columns = {"contact_id": "bigint", "tag_id": "bigint", "value": "text"}
    given, parameters = values_cte(session, "v", columns, rows)
    statement = text(
        f"WITH {given} INSERT INTO contact_tag (contact_id, tag_id, value, created_at)"  # noqa: S608
        " SELECT contact_id, tag_id, value, :now FROM v WHERE true"
        " ON CONFLICT (contact_id, tag_id) DO UPDATE SET value = excluded.value WHERE excluded.value IS NOT NULL"
    )
    _run(session, statement, parameters, now)


def _name_those_without_number(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Who has no number that can be called is a person of their own."""
    if ids:
        rows = [(contact_id, person_key(contact_id=contact_id)) for contact_id in ids]
        given, parameters = values_cte(session, "v", {"id": "bigint", "person_key": "text"}, rows)
        statement = text(
            f"WITH {given} UPDATE contact SET person_key = v.person_key, updated_at = :now FROM v WHERE contact.id = v.id"  # noqa: S608
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
