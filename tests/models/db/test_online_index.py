"""An index that is made while the table is written to."""

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError

from models.db.online_index import create_index_online


def _make(connection: Connection, *, is_unique: bool = False) -> None:
    context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
    with context.begin_transaction(_per_migration=True):
        where = text("kind IS NOT NULL")
        create_index_online(Operations(context), "ix_thing_kind", "thing", ["kind"], where=where, is_unique=is_unique)


def test_an_index_is_made_and_made_anew_where_a_process_died_at_it(unmigrated_url: str) -> None:
    engine = create_engine(unmigrated_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE thing (id INTEGER, kind VARCHAR(8))"))
        connection.execute(text("INSERT INTO thing VALUES (1, 'a'), (2, 'a')"))
    with engine.connect() as connection, pytest.raises(IntegrityError):
        _make(connection, is_unique=True)  # PostgreSQL leaves an index that it does not use
    with engine.connect() as connection:
        _make(connection)
        _make(connection)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            valid = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'ix_thing_kind'::regclass"
            assert tuple(connection.execute(text(valid)).one()) == (True, False)
        else:
            made = "SELECT sql FROM sqlite_master WHERE name = 'ix_thing_kind'"
            assert str(connection.execute(text(made)).scalar_one()).endswith("WHERE kind IS NOT NULL")
    engine.dispose()
