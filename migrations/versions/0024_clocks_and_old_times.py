"""The last moment at which each machine's clock was right, and which tables hold times in the form of 0.1. Tables of their own.

Only SQLite holds such times. A job rewrites them in slices (jobs.maintenance.old_times), since the tables grow with the people.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

HELD_OLD_TIMES = ("contact", "contact_identity", "conversation", "message", "recipient")


def upgrade() -> None:
    op.create_table(
        "clock_seen",
        sa.Column("boot_id", sa.String(64), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uptime_seconds", sa.Float(), nullable=False),
        sa.Column("jump_seconds", sa.Float(), nullable=True),
        sa.Column("jumped_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("boot_id", name=op.f("pk_clock_seen")),
    )
    forms = op.create_table(
        "old_time_form",
        sa.Column("table_name", sa.String(64), nullable=False),
        sa.Column("next_rowid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_old_time_form")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.bulk_insert(forms, [{"table_name": name, "next_rowid": 0} for name in HELD_OLD_TIMES])


def downgrade() -> None:
    op.drop_table("old_time_form")
    op.drop_table("clock_seen")
