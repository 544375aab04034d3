"""The schema's version: upgrading a database to it, and telling whether a database has it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.db.engine import Database

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def alembic_config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade_schema(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; concurrent calls wait for each other on PostgreSQL."""
    command.upgrade(alembic_config(url), revision)


def downgrade_schema(url: str, revision: str = "base") -> None:
    """Take the database back to `revision`."""
    command.downgrade(alembic_config(url), revision)


def head_revision() -> str:
    """The newest revision there is in this checkout."""
    head = ScriptDirectory.from_config(alembic_config("")).get_current_head()
    if head is None:
        raise LookupError("there is no migration")
    return head


def current_revision(database: Database) -> str | None:
    """The revision that the database has; None for an empty one."""
    with database.read_engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
