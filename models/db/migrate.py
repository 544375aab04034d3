"""Upgrades a database's schema with Alembic and reads its revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.db.engine import Database

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade_schema(url: str, revision: str = "head") -> None:
    """Upgrade the database to `revision`; on PostgreSQL concurrent calls wait for each other."""
    command.upgrade(alembic_config(url), revision)


def head_revision() -> str:
    """Return the newest revision of this installation's code. Raises LookupError if there is no migration."""
    head = ScriptDirectory.from_config(alembic_config("")).get_current_head()
    if head is None:
        raise LookupError("there is no migration")
    return head


def current_revision(database: Database) -> str | None:
    """Return the database's revision; None for an empty database."""
    with database.read_engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
