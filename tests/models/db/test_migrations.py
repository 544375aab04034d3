"""Migrations of a database that holds something."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from models.db.migrate import alembic_config, upgrade_schema

PAIRS = ("contact_tag", "list_member")
RULES = (
    'name, type, "notnull", pk FROM pragma_table_info',
    '"table", "from", "to", on_delete FROM pragma_foreign_key_list',
    'name, "unique" FROM pragma_index_list',
)
ROWS = (
    """INSERT INTO contact (id, person_key, phone, name, has_identity, consent, undeliverable_count, attributes, created_at,
    updated_at) VALUES (1, 'wa:34600111222', '+34600111222', '', 0, 'unknown', 0, '{}', :now, :now)""",
    "INSERT INTO tag (id, name, description, created_at) VALUES (1, 'vip', '', :now)",
    "INSERT INTO list (id, name, created_at) VALUES (1, 'all', :now)",
    "INSERT INTO contact_tag (contact_id, tag_id, value, created_at) VALUES (1, 1, 'gold', :now)",
    "INSERT INTO list_member (list_id, contact_id, created_at) VALUES (1, 1, :now)",
)


def test_pairs_keep_their_rows_rules_and_indexes_on_the_way_into_one_tree_and_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hark.db'}"
    engine = create_engine(url)

    def asked(statement: str) -> list[tuple[object, ...]]:
        with engine.connect() as connection:
            return sorted((tuple(row) for row in connection.execute(text(statement))), key=str)

    def shape() -> dict[str, list[tuple[object, ...]]]:
        found = {f"{table} {what}": asked(f"SELECT {what}('{table}')") for what in RULES for table in PAIRS}
        return found | {table: asked(f"SELECT * FROM {table}") for table in PAIRS}

    def is_one_tree() -> list[bool]:
        return [
            "WITHOUT ROWID" in str(asked(f"SELECT sql FROM sqlite_master WHERE name = '{table}'")) for table in PAIRS
        ]

    upgrade_schema(url, "0003")
    with engine.begin() as connection:
        for row in ROWS:
            connection.execute(text(row), {"now": "2026-03-21 10:00:00.000000"})
        # What a process leaves that is killed while it copies.
        connection.execute(text("CREATE TABLE _alembic_tmp_contact_tag (contact_id INTEGER)"))
    before = shape()

    upgrade_schema(url)
    assert (shape(), is_one_tree()) == (before, [True, True])

    command.downgrade(alembic_config(url), "0003")
    assert (shape(), is_one_tree()) == (before, [False, False])
    engine.dispose()


CHECKED = {
    "contact": "phone_problem", "campaign": "pause_reason", "recipient": "reason", "message": "state", "case": "status",
}  # fmt: skip


@pytest.mark.parametrize("table", CHECKED)
def test_words_that_grow_leave_their_checks_and_every_other_rule_stays(tmp_path: Path, table: str) -> None:
    url = f"sqlite:///{tmp_path / 'hark.db'}"
    engine = create_engine(url)

    def stored() -> str:
        with engine.connect() as connection:
            statement = text("SELECT sql FROM sqlite_master WHERE name = :name AND type = 'table'")
            return str(connection.execute(statement, {"name": table}).scalar_one())

    upgrade_schema(url, "0004")
    before = stored()
    assert f"ck_{table}_{CHECKED[table]} CHECK" in before
    upgrade_schema(url)
    after = stored()
    assert f"ck_{table}_{CHECKED[table]}" not in after
    gone = [line for line in before.splitlines() if line.rstrip(", ") not in after]
    assert all(" IN (" in line for line in gone)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    engine.dispose()


def test_a_running_process_writes_a_new_word_right_after_the_migration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hark.db'}"
    engine = create_engine(url)
    write = text("UPDATE contact SET phone_problem = 'unclear_phone', phone = NULL, raw_phone = '34600111222'")
    upgrade_schema(url, "0004")
    with engine.begin() as connection:
        connection.execute(text(ROWS[0]), {"now": "2026-03-21 10:00:00.000000"})
    with engine.connect() as open_before:
        with pytest.raises(IntegrityError):
            open_before.execute(write)
        open_before.rollback()
        upgrade_schema(url)
        open_before.execute(write)
        open_before.commit()
    engine.dispose()
