"""The rate of a number may be empty: then it is what Meta says. 80, until now the value of every number, becomes empty.

A stopped number keeps whether its answers go on, as under a restriction of messages that a business begins.

The table has a row for each number of ours, so that rebuilding it on SQLite takes no time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.table("number", sa.column("messages_per_second", sa.Integer))
STANDARD = 80


def upgrade() -> None:
    with op.batch_alter_table("number") as batch:
        batch.alter_column("messages_per_second", existing_type=sa.Integer(), nullable=True)
        batch.add_column(sa.Column("answers_go_on", sa.Boolean(), nullable=True))
    _replace(STANDARD, None)


def downgrade() -> None:
    _replace(None, STANDARD)
    with op.batch_alter_table("number") as batch:
        batch.drop_column("answers_go_on")
        batch.alter_column("messages_per_second", existing_type=sa.Integer(), nullable=False)


def _replace(old: int | None, new: int | None) -> None:
    column = NUMBER.c.messages_per_second
    op.execute(sa.update(NUMBER).where(column.is_(None) if old is None else column == old).values(messages_per_second=new))
