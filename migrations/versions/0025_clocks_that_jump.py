"""The last moment at which each machine's clock was right. A table of its own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


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


def downgrade() -> None:
    op.drop_table("clock_seen")
