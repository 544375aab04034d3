"""The table that the search of contacts reads, made in a database of people."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, event, text

from models.contacts.text_search import fold_stale
from models.db.engine import Database
from models.db.migrate import alembic_config, upgrade_schema

BEFORE, THIS = "0011", "0012"
PERSON = """INSERT INTO contact (id, person_key, phone, name, has_identity, consent, undeliverable_count, attributes, created_at,
    updated_at) VALUES (:id, :key, :key, :name, {no}, 'unknown', 0, '{{}}', '2026-03-21', '2026-03-21')"""


@pytest.fixture
def old_engine(unmigrated_url: str) -> Iterator[Engine]:
    upgrade_schema(unmigrated_url, BEFORE)
    engine = create_engine(unmigrated_url)
    yield engine
    engine.dispose()


def _add(engine: Engine, *people: tuple[int, str]) -> None:
    statement = text(PERSON.format(no="0" if engine.dialect.name == "sqlite" else "false"))
    with engine.begin() as connection:
        connection.execute(statement, [{"id": key, "key": f"+34{key}", "name": name} for key, name in people])


def _rows(engine: Engine) -> dict[int, str | None]:
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(text("SELECT contact_id, folded FROM contact_search"))}


def test_who_was_there_before_and_who_comes_afterwards_are_folded(unmigrated_url: str, old_engine: Engine) -> None:
    _add(old_engine, *((key, f"\u00c9va {key}") for key in range(1, 2_502)))
    upgrade_schema(unmigrated_url)
    assert _rows(old_engine) == {key: f"eva {key}\n \n" for key in range(1, 2_502)}
    _add(old_engine, (9_000, "Z\u00d6E"))
    assert _rows(old_engine)[9_000] is None
    database = Database(unmigrated_url)
    with database.write() as session:
        assert fold_stale(session, 10_000) == 1
    database.dispose()
    assert _rows(old_engine)[9_000] == "zoe\n \n"


def test_who_changes_between_being_read_and_being_written_is_folded_afterwards(
    unmigrated_url: str, old_engine: Engine
) -> None:
    _add(old_engine, (1, "Ana"))
    rename = text("UPDATE contact SET name = 'Zo\u00eb' WHERE id = 1")

    def before_writing(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO contact_search (contact_id, folded)"):
            with old_engine.begin() as connection:
                connection.execute(rename)

    event.listen(Engine, "before_cursor_execute", before_writing)
    try:
        upgrade_schema(unmigrated_url)
    finally:
        event.remove(Engine, "before_cursor_execute", before_writing)
    assert _rows(old_engine) == {1: None}


def test_a_migration_that_was_killed_between_its_slices_begins_again(unmigrated_url: str, old_engine: Engine) -> None:
    _add(old_engine, (1, "Ana"), (2, "Bo"))
    upgrade_schema(unmigrated_url, THIS)
    with old_engine.begin() as connection:
        connection.execute(text("DELETE FROM contact_search WHERE contact_id = 2"))
        connection.execute(text("UPDATE contact_search SET folded = 'kept'"))
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": BEFORE})
    upgrade_schema(unmigrated_url, THIS)
    assert _rows(old_engine) == {1: "kept", 2: "bo\n \n"}


def test_the_migration_can_be_taken_back(unmigrated_url: str, old_engine: Engine) -> None:
    upgrade_schema(unmigrated_url)
    command.downgrade(alembic_config(unmigrated_url), BEFORE)
    _add(old_engine, (1, "Ana"))
    upgrade_schema(unmigrated_url)
    assert _rows(old_engine) == {1: "ana\n \n"}
