"""SQLite keeps the tables of pairs in their primary key alone: one look instead of two, and a fifth less of the file."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PAIRS = ("contact_tag", "list_member")


def upgrade() -> None:
    _rebuild(with_rowid=False)


def downgrade() -> None:
    _rebuild(with_rowid=True)


def _rebuild(*, with_rowid: bool) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in PAIRS:
        # A process that was killed while it copied leaves this: SQLite's driver commits a CREATE at once.
        op.execute(f"DROP TABLE IF EXISTS _alembic_tmp_{table}")
        with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
            pass
