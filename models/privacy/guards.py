"""Makes the database itself wipe what is written to a redacted person, whoever writes it and whatever they read before.

A transaction that began before the redaction may insert afterwards. On PostgreSQL its insert takes the contact's row for a moment
(`FOR KEY SHARE`), which waits for a redaction under way and lets none begin; whoever comes second sees what the first one did.
SQLite has one writer; there it is about what was read in an earlier transaction. The triggers are made of the list of tables
(models.privacy.tables) after each migration to the newest schema, so a new line is enough.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from models.privacy.contact_columns import BLANK_CONTACT, KEPT_OF_REDACTED
from models.privacy.store import Blank, Delete, PersonLink
from models.privacy.tables import TABLES
from models.tables import metadata

PREFIX = "erasure_"
IS_GONE = (
    "({0}.redacted_at IS NOT NULL OR EXISTS (SELECT 1 FROM contact w WHERE w.id = {0}.merged_into_id"
    " AND w.redacted_at IS NOT NULL))"
)
"""Whether the contact of this name in the statement was redacted, or is a part of one that was."""


class Trigger(NamedTuple):
    """A trigger, and on PostgreSQL its function. The name ends with a hash of its text, so that a changed one is replaced."""

    table: str
    name: str
    statements: tuple[str, ...]


def install_guards(connection: Connection) -> None:
    """Make the triggers that are missing and drop those that changed. Each has a transaction of its own, as they lock a table."""
    wanted = {trigger.name: trigger for trigger in guards(connection.dialect.name)}
    existing = dict(_existing(connection))
    connection.commit()
    for name, table in existing.items():
        if name not in wanted:
            _drop(connection, name, table)
    for name, trigger in wanted.items():
        if name not in existing:
            for statement in trigger.statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))
            connection.commit()


def drop_guards(connection: Connection) -> None:
    """Drop all of them: a migration may rebuild a table of SQLite that one names, or lead to a schema without their columns."""
    for name, table in list(_existing(connection)):
        _drop(connection, name, table)


def guards(dialect: str) -> Iterator[Trigger]:
    """The triggers of all tables."""
    make = _sqlite if dialect == "sqlite" else _postgres
    for store in TABLES:
        if store.guarded is not None:
            yield from make(store.name, store.guarded)
    yield from _contact_on_sqlite() if dialect == "sqlite" else _contact_on_postgres()


def _existing(connection: Connection) -> Iterable[tuple[str, str]]:
    queries = {
        "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE :prefix",
        "postgresql": "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace AND t.tgname LIKE :prefix",
    }
    query = text(queries[connection.dialect.name])
    return [(row[0], row[1]) for row in connection.execute(query, {"prefix": f"{PREFIX}%"})]


def _drop(connection: Connection, name: str, table: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
    else:
        connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS {name} ON "{table}"')
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}()")
    connection.commit()


def _contact_of(link: PersonLink, row: str) -> str:
    """An SQL expression: the id of the contact of the row of this name."""
    if link.parent is None:
        return f"{row}.contact_id"
    return f"(SELECT p.contact_id FROM {link.parent} p WHERE p.id = {row}.{link.value})"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    written = value if isinstance(value, str) else json.dumps(value)
    return "'" + written.replace("'", "''") + "'"


def _is_filled(row: str, name: str, value: Any) -> str:
    return f"{row}.{name} IS NOT NULL" if value is None else f"{row}.{name} <> {_literal(value)}"


def _assignments(blank: Blank, row: str | None = None) -> list[str]:
    """`column = value` for an UPDATE; the columns that a value reads are those of the row that is updated."""
    taken = row or "it"
    by_contact = [
        f"{name} = (SELECT c.{name} FROM contact c WHERE c.id = {_contact_of(blank.link, taken)})"
        for name in blank.by_contact
    ]
    fixed = [f"{name} = {_literal(value)}" for name, value in blank.values.items()]
    return fixed + by_contact + [f"{name} = {value}" for name, value in blank.settled.items()]


def _keys(table: str) -> list[str]:
    return [column.name for column in metadata.tables[table].primary_key]


def _named(table: str, kind: str, *bodies: str) -> str:
    return f"{PREFIX}{table}_{kind}_{hashlib.sha256(''.join(bodies).encode()).hexdigest()[:8]}"


def _watched(rule: Delete | Blank, changed: str) -> tuple[list[str], str]:
    """The columns whose change is looked at, and the condition under which it matters. `changed`: how one value differs."""
    moved = f"NEW.{rule.link.value} {changed} OLD.{rule.link.value}"
    if isinstance(rule, Delete):
        return [rule.link.value], moved
    filled = [_is_filled("NEW", name, value) for name, value in rule.values.items()]
    other = [f"NEW.{name} {changed} OLD.{name}" for name in rule.by_contact]
    condition = f"({' OR '.join([*filled, *other, moved])})"
    if rule.unless:
        condition += f" AND NOT (NEW.{rule.unless})"
    return [*rule.values, *rule.by_contact, rule.link.value], condition


def _sqlite(table: str, rule: Delete | Blank) -> Iterator[Trigger]:
    is_gone = f"EXISTS (SELECT 1 FROM contact g WHERE g.id = {_contact_of(rule.link, 'NEW')} AND {IS_GONE.format('g')})"
    same = " AND ".join(f"{key} = NEW.{key}" for key in _keys(table))
    quoted = f'"{table}"'
    if isinstance(rule, Delete):
        act = f"DELETE FROM {quoted} WHERE {same}"
    else:
        act = f"UPDATE {quoted} SET {', '.join(_assignments(rule, 'NEW'))} WHERE {same}"
    columns, condition = _watched(rule, "IS NOT")
    unless = f" AND NOT (NEW.{rule.unless})" if isinstance(rule, Blank) and rule.unless else ""
    events = {
        "insert": f"AFTER INSERT ON {quoted} WHEN {is_gone}{unless}",
        "update": f"AFTER UPDATE OF {', '.join(columns)} ON {quoted} WHEN {condition} AND {is_gone}",
    }
    for kind, when in events.items():
        body = f"{when} BEGIN {act}; END"
        name = _named(table, kind, body)
        yield Trigger(table, name, (f"CREATE TRIGGER {name} {body}",))


def _postgres(table: str, rule: Delete | Blank) -> Iterator[Trigger]:
    keys = ", ".join(_keys(table))
    quoted = f'"{table}"'
    same = " AND ".join(f"it.{key} = n.{key}" for key in _keys(table))
    of_gone = f"EXISTS (SELECT 1 FROM new_rows n WHERE {same} AND {_contact_of(rule.link, 'n')} = ANY (gone))"
    if isinstance(rule, Delete):
        act = f"DELETE FROM {quoted} it WHERE ({keys}) IN (SELECT {keys} FROM new_rows) AND {of_gone}"
    else:
        act = (
            f"UPDATE {quoted} it SET {', '.join(_assignments(rule))}"
            f" WHERE ({keys}) IN (SELECT {keys} FROM new_rows) AND {of_gone}"
        )
        if rule.unless:
            act += f" AND NOT (it.{rule.unless})"
    ids = f"SELECT r.{rule.link.value} FROM new_rows r"
    if rule.link.parent is not None:
        ids = f"SELECT p.contact_id FROM {rule.link.parent} p WHERE p.id = ANY (ARRAY({ids}))"
    body = (
        "DECLARE gone bigint[]; BEGIN"
        f" PERFORM 1 FROM contact c WHERE c.id = ANY (ARRAY({ids})) ORDER BY c.id FOR KEY SHARE;"
        # A statement of its own, which sees what was committed while the one before waited.
        f" SELECT array_agg(c.id) INTO gone FROM contact c WHERE c.id = ANY (ARRAY({ids})) AND {IS_GONE.format('c')};"
        f" IF gone IS NOT NULL THEN {act}; END IF; RETURN NULL; END"
    )
    head = f"AFTER INSERT ON {quoted} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
    yield _with_function(table, "insert", head, body)
    yield _postgres_update(table, rule)


def _postgres_update(table: str, rule: Delete | Blank) -> Trigger:
    """An update waits for the row that the redaction has changed; one that moves a row to another person waits for the person."""
    link, contact = rule.link.value, _contact_of(rule.link, "NEW")
    if isinstance(rule, Delete):
        act = "RETURN NULL;"
    else:
        by_contact = [
            f"NEW.{name} := (SELECT c.{name} FROM contact c WHERE c.id = {contact});" for name in rule.by_contact
        ]
        fixed = [f"NEW.{name} := {_literal(value)};" for name, value in rule.values.items()]
        act = " ".join(fixed + by_contact)
    body = (
        f"BEGIN IF NEW.{link} IS DISTINCT FROM OLD.{link} THEN"
        f" PERFORM 1 FROM contact c WHERE c.id = {contact} FOR KEY SHARE; END IF;"
        f" IF EXISTS (SELECT 1 FROM contact c WHERE c.id = {contact} AND {IS_GONE.format('c')}) THEN {act} END IF;"
        " RETURN NEW; END"
    )
    columns, condition = _watched(rule, "IS DISTINCT FROM")
    head = f'BEFORE UPDATE OF {", ".join(columns)} ON "{table}" FOR EACH ROW WHEN ({condition})'
    return _with_function(table, "update", head, body)


def _with_function(table: str, kind: str, head: str, body: str) -> Trigger:
    name = _named(table, kind, head, body)
    function = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $erasure${body}$erasure$"
    return Trigger(table, name, (function, f"CREATE TRIGGER {name} {head} EXECUTE FUNCTION {name}()"))


def _contact_on_postgres() -> Iterator[Trigger]:
    """A redacted contact stays as it is."""
    kept = " ".join(f"NEW.{name} := OLD.{name};" for name in KEPT_OF_REDACTED)
    fixed = " ".join(f"NEW.{name} := {_literal(value)};" for name, value in BLANK_CONTACT.items())
    body = f"BEGIN IF {IS_GONE.format('OLD')} THEN {kept} {fixed} END IF; RETURN NEW; END"
    head = "BEFORE UPDATE ON contact FOR EACH ROW WHEN (OLD.redacted_at IS NOT NULL OR OLD.merged_into_id IS NOT NULL)"
    yield _with_function("contact", "update", head, body)


def _contact_on_sqlite() -> Iterator[Trigger]:
    filled = [_is_filled("NEW", name, value) for name, value in BLANK_CONTACT.items()]
    changed = [f"NEW.{name} IS NOT OLD.{name}" for name in KEPT_OF_REDACTED]
    fixed = [f"{name} = {_literal(value)}" for name, value in BLANK_CONTACT.items()]
    kept = [f"{name} = OLD.{name}" for name in KEPT_OF_REDACTED]
    body = (
        f"AFTER UPDATE ON contact WHEN {IS_GONE.format('OLD')} AND ({' OR '.join([*filled, *changed])})"
        f" BEGIN UPDATE contact SET {', '.join([*fixed, *kept])} WHERE id = OLD.id; END"
    )
    name = _named("contact", "update", body)
    yield Trigger("contact", name, (f"CREATE TRIGGER {name} {body}",))
