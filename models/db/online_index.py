"""Makes an index of a large table in a migration while the table is written to."""

from collections.abc import Sequence

from alembic.operations import Operations
from sqlalchemy import TextClause


def create_index_online(
    op: Operations,
    name: str,
    table: str,
    columns: Sequence[str],
    *,
    where: TextClause | None = None,
    is_unique: bool = False,
) -> None:
    """Make the index, on PostgreSQL CONCURRENTLY: nobody waits for it. `where`: of these rows alone.

    What a process left that was killed while it made the index is made anew, since PostgreSQL keeps it and does not use it.
    """
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, table, list(columns), unique=is_unique, sqlite_where=where, if_not_exists=True)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, table, list(columns), unique=is_unique, postgresql_where=where, postgresql_concurrently=True
        )
