"""What a campaign adds to a template of any format, and what people tapped: a nullable column, and a table of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign", sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
    )
    op.create_table(
        "recipient_tap",
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.String(8), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_recipient_tap_recipient_id_recipient")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_recipient_tap_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("recipient_id", "place", name=op.f("pk_recipient_tap")),
    )
    op.create_index("ix_recipient_tap_campaign", "recipient_tap", ["campaign_id", "place", "title"])


def downgrade() -> None:
    op.drop_index("ix_recipient_tap_campaign", table_name="recipient_tap")
    op.drop_table("recipient_tap")
    op.drop_column("campaign", "content")
