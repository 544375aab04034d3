"""Alembic's entry: migrates the database whose URL the caller put into the configuration."""

from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import make_url

from models.tables import metadata


def run() -> None:
    """Migrate in one transaction, with SQLite's foreign keys off while tables are rebuilt."""
    url = make_url(context.config.attributes.get("url") or context.config.get_main_option("sqlalchemy.url"))
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = {"timeout": 30} if is_sqlite else {"connect_timeout": 5}
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True, connect_args=arguments)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=is_sqlite,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            if not is_sqlite:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4819021)")  # two hosts that start at once
            context.run_migrations()
    engine.dispose()


run()
