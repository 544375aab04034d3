"""A try is a row: the earlier tries of recipients, in a table of their own, and the rule of a campaign to try again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
STATUS = (
    "CASE WHEN state = 'refused' THEN 'failed' "
    "WHEN state NOT IN ('accepted', 'held') THEN state "
    "WHEN read_at IS NOT NULL THEN 'read' "
    "WHEN delivered_at IS NOT NULL THEN 'delivered' "
    "WHEN failed_at IS NOT NULL THEN 'failed' "
    "WHEN state = 'held' AND sent_at IS NULL THEN 'held' ELSE 'sent' END"
)
TIMES = (
    "queued_at",
    "claimed_at",
    "unsure_at",
    "left_at",
    "accepted_at",
    "sent_at",
    "delivered_at",
    "read_at",
    "failed_at",
)


def upgrade() -> None:
    op.add_column(
        "campaign", sa.Column("retry", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
    )
    op.create_table(
        "recipient_try",
        sa.Column("id", big, nullable=False),
        sa.Column("recipient_id", big, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", big, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("again_at", moment, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("endpoint", sa.String(24), nullable=True),
        sa.Column("wamid", sa.String(300), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("error_msg", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("price_area", sa.String(8), nullable=True),
        sa.Column("pricing_category", sa.String(40), nullable=True),
        sa.Column("pricing_type", sa.String(40), nullable=True),
        sa.Column("is_billable", sa.Boolean(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", sa.String(3), nullable=True),
        sa.Column("price_at", moment, nullable=True),
        *(sa.Column(name, moment, nullable=True) for name in TIMES),
        sa.Column("status", sa.String(12), sa.Computed(STATUS, persisted=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_recipient_try_recipient_id_recipient")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_recipient_try_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_recipient_try_contact_id_contact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient_try")),
    )
    op.create_index("uq_recipient_try_attempt", "recipient_try", ["recipient_id", "attempt"], unique=True)
    op.create_index("ix_recipient_try_campaign", "recipient_try", ["campaign_id", "recipient_id"])
    op.create_index(op.f("ix_recipient_try_contact_id"), "recipient_try", ["contact_id"])
    has_id = sa.text("wamid IS NOT NULL")
    op.create_index(
        "ix_recipient_try_wamid", "recipient_try", ["wamid"], sqlite_where=has_id, postgresql_where=has_id
    )


def downgrade() -> None:
    op.drop_table("recipient_try")
    op.drop_column("campaign", "retry")
