"""An older database that was put back is recognised and holds what may have been sent. Tables of their own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    epoch = op.create_table(
        "epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", big, nullable=False),
        sa.Column("served_at", moment, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_epoch_only_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epoch")),
    )
    op.bulk_insert(epoch, [{"id": 1, "value": 0}])
    op.create_table(
        "database_hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(24), nullable=False),
        sa.Column("noticed_at", moment, nullable=False),
        sa.Column("epoch", big, nullable=False),
        sa.Column("known_epoch", big, nullable=True),
        sa.Column("marks_cursor", big, nullable=False),
        sa.Column("marks_done_at", moment, nullable=True),
        sa.Column("released_at", moment, nullable=True),
        sa.Column("released_by", sa.String(254), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_database_hold")),
    )
    op.create_index(
        "uq_database_hold_open",
        "database_hold",
        [sa.text("(released_at IS NULL)")],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "held_campaign",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hold_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("settled_at", moment, nullable=True),
        sa.Column("released_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_held_campaign_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["hold_id"], ["database_hold.id"], name=op.f("fk_held_campaign_hold_id_database_hold")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_held_campaign")),
    )
    op.create_index(op.f("ix_held_campaign_hold_id"), "held_campaign", ["hold_id"])


def downgrade() -> None:
    op.drop_table("held_campaign")
    op.drop_table("database_hold")
    op.drop_table("epoch")
