"""Tracked links, the requests for them, and the clicks that Meta reports, in tables of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "tracked_link",
        sa.Column("id", big, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_tracked_link_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_link")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_tracked_link_place", "tracked_link", ["campaign_id", "field", "url"], unique=True)
    op.create_table(
        "click",
        sa.Column("entry_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("link_id", big, nullable=False),
        sa.Column("recipient_id", big, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("device", sa.String(24), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["tracked_link.id"], name=op.f("fk_click_link_id_tracked_link")),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipient.id"], name=op.f("fk_click_recipient_id_recipient")),
        sa.PrimaryKeyConstraint("entry_ms", "entry_seq", name=op.f("pk_click")),
    )
    op.create_index("ix_click_link", "click", ["link_id", "kind", "recipient_id", "at"])
    op.create_index("ix_click_recipient", "click", ["recipient_id", "kind", "at"])
    op.create_table(
        "meta_click",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("number_id", sa.Integer(), nullable=False),
        sa.Column("action_type", sa.String(64), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_meta_click_number_id_number")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta_click")),
    )
    op.create_index("ix_meta_click_number", "meta_click", ["number_id", "action_type", "at"])


def downgrade() -> None:
    op.drop_table("meta_click")
    op.drop_table("click")
    op.drop_table("tracked_link")
