"""Reads names in the database as they are read in a greeting. Only functions; no table is touched."""

from alembic import op

from models.contacts.name_sql import FUNCTIONS, name_functions

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in name_functions():
            op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for signature in FUNCTIONS:
            op.get_bind().exec_driver_sql(f"DROP FUNCTION {signature}")
