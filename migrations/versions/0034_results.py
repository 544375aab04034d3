"""Who asked for an end in answer to a campaign: a table of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0030"
branch_labels = None
depends_on = None

big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "recipient_opt_out",
        sa.Column("recipient_id", big_id, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(24), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_recipient_opt_out_recipient_id_recipient")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_recipient_opt_out_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("recipient_id", name=op.f("pk_recipient_opt_out")),
    )
    op.create_index("ix_recipient_opt_out_campaign", "recipient_opt_out", ["campaign_id", "way"])


def downgrade() -> None:
    op.drop_index("ix_recipient_opt_out_campaign", table_name="recipient_opt_out")
    op.drop_table("recipient_opt_out")
