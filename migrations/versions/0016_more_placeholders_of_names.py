"""Reads more placeholders that other systems leave as no name. Only functions; no table is touched."""

from alembic import op

from models.contacts.name_sql import name_functions

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in name_functions():
            op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    """The functions stay: the earlier migration creates the same ones."""
