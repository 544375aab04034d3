"""Every migration after the first stage leaves a running campaign alone. A new one is held to it by being there."""

import pytest
from sqlalchemy import create_engine

from models.db.migrate import MIGRATIONS, upgrade_schema
from tests.support.migration_rules import LARGE, Executed, executing, offences, rebuilt_in, sources_after
from tests.support.old_database import FIRST_STAGE

ONLINE = "CREATE INDEX CONCURRENTLY ix_message_route ON message (route) WHERE route IS NULL"


def test_no_migration_after_the_first_stage_holds_up_a_running_campaign(unmigrated_url: str) -> None:
    upgrade_schema(unmigrated_url, FIRST_STAGE)
    with executing() as executed:
        upgrade_schema(unmigrated_url)
    assert any("CREATE TABLE" in item.statement for item in executed)
    assert offences(create_engine(unmigrated_url).dialect.name, executed) == []


def test_no_migration_after_0005_rebuilds_a_table_of_people() -> None:
    sources = sources_after(MIGRATIONS / "versions", "0005")
    assert sources
    assert {name: rebuilt_in(source) for name, source in sources.items() if rebuilt_in(source)} == {}


@pytest.mark.parametrize(
    ("dialect", "statements"),
    [
        ("sqlite", ["CREATE TABLE _alembic_tmp_recipient (id INTEGER)"]),
        ("sqlite", ['DROP TABLE "contact"']),
        ("sqlite", ["INSERT INTO copied (id) SELECT message.id FROM message"]),
        ("sqlite", ["UPDATE contact SET language = NULL"]),
        ("sqlite", ["ALTER TABLE message ADD COLUMN seen BOOLEAN NOT NULL DEFAULT 0"]),
        ("postgresql", ["DELETE FROM recipient WHERE campaign_id = 3"]),
        ("postgresql", ["CREATE INDEX ix_message_route ON message (route)"]),
        ("postgresql", ["CREATE UNIQUE INDEX uq_conversation_x\n  ON conversation (id)"]),
        ("postgresql", ["ALTER TABLE recipient ALTER COLUMN wamid TYPE TEXT"]),
        ("postgresql", ["ALTER TABLE recipient ALTER COLUMN wamid SET NOT NULL"]),
        ("postgresql", ["ALTER TABLE contact ADD COLUMN x INTEGER, ADD CONSTRAINT ck_x CHECK (x > 0)"]),
        ("postgresql", ["ALTER TABLE contact ADD COLUMN x INTEGER GENERATED ALWAYS AS (id) STORED"]),
        ("postgresql", ["ALTER TABLE contact ADD COLUMN x INTEGER", "ALTER TABLE message ADD COLUMN x INTEGER"]),
    ],
)
def test_what_would_hold_up_a_campaign_is_found(dialect: str, statements: list[str]) -> None:
    assert len(offences(dialect, [Executed(statement) for statement in statements])) == 1


@pytest.mark.parametrize(
    "statement",
    [
        ONLINE,
        "CREATE TABLE click (id INTEGER)",
        "CREATE INDEX ix_click_at ON click (at)",
        "CREATE INDEX ix_message_click_at ON message_click (at)",
        "ALTER TABLE recipient ADD COLUMN variant VARCHAR(24)",
        "ALTER TABLE message DROP CONSTRAINT IF EXISTS ck_message_state, DROP CONSTRAINT IF EXISTS ck_message_x",
        "ALTER TABLE campaign ADD COLUMN type VARCHAR(24) NOT NULL",
        "UPDATE campaign SET type = 'catalog'",
    ],
)
def test_what_holds_up_nobody_is_allowed(statement: str) -> None:
    assert offences("postgresql", [Executed(statement)]) == []


def test_two_tables_are_changed_in_two_transactions() -> None:
    executed = [Executed(f"ALTER TABLE {table} ADD COLUMN x INTEGER", place) for place, table in enumerate(LARGE)]
    assert offences("postgresql", executed) == []


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ('with op.batch_alter_table("recipient") as batch:\n    pass', ["recipient"]),
        ('with op.batch_alter_table(table_name="message", recreate="always"):\n    pass', ["message"]),
        ('with op.batch_alter_table("campaign"):\n    pass', []),
        ('op.add_column("recipient", column)', []),
    ],
)
def test_a_batch_that_rebuilds_is_found_in_the_source(source: str, tables: list[str]) -> None:
    assert rebuilt_in(source) == tables
