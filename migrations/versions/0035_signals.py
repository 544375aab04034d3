"""What signals are judged by: counts of campaigns and learnt thresholds, in tables of their own, filled in by a job."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
json = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "signal_count",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(24), nullable=True),
        sa.Column("figures", json, nullable=False),
        sa.Column("first_id", big, nullable=True),
        sa.Column("last_id", big, nullable=True),
        sa.Column("counted_at", moment, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_signal_count_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_signal_count")),
    )
    op.create_table(
        "signal_threshold",
        sa.Column("type", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("median", sa.Float(), nullable=False),
        sa.Column("campaigns", sa.Integer(), nullable=False),
        sa.Column("learnt_at", moment, nullable=False),
        sa.CheckConstraint(
            "share BETWEEN 0 AND 1 AND median BETWEEN 0 AND 1", name=op.f("ck_signal_threshold_share")
        ),
        sa.CheckConstraint("campaigns > 0", name=op.f("ck_signal_threshold_campaigns")),
        sa.PrimaryKeyConstraint("type", "kind", name=op.f("pk_signal_threshold")),
    )


def downgrade() -> None:
    op.drop_table("signal_threshold")
    op.drop_table("signal_count")
