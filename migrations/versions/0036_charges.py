"""What was charged by month, country, category and currency, of campaigns and of answers: two tables of sums.

A campaign's spending has the maximum price with which it was started, in nullable plain columns.
Nothing is filled in: the schedule counts campaigns without charges again by itself, and the months of answers that it still counts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)
big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (("campaign_charge", "campaign"), ("answer_charge", "number"))


def upgrade() -> None:
    for table, owner in TABLES:
        op.create_table(
            table,
            sa.Column(f"{owner}_id", sa.Integer(), nullable=False),
            sa.Column("month", sa.Date(), nullable=False),
            sa.Column("country", sa.String(length=2), nullable=False),
            sa.Column("category", sa.String(length=40), nullable=False),
            sa.Column("currency", sa.String(length=3), nullable=False),
            sa.Column("messages", big, nullable=False),
            sa.Column("charged", sa.BigInteger(), nullable=False),
            sa.ForeignKeyConstraint([f"{owner}_id"], [f"{owner}.id"], name=op.f(f"fk_{table}_{owner}_id_{owner}")),
            sa.PrimaryKeyConstraint(
                f"{owner}_id", "month", "country", "category", "currency", name=op.f(f"pk_{table}")
            ),
        )
        op.create_index(op.f(f"ix_{table}_month"), table, ["month"])
    _create_meta_tables()
    op.add_column("spending", sa.Column("price_cap", sa.BigInteger(), nullable=True))
    op.add_column("spending", sa.Column("price_cap_currency", sa.String(length=3), nullable=True))


def _create_meta_tables() -> None:
    op.create_table(
        "campaign_replies",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, big, nullable=False) for name in ("delivered", "replied", "answers")),
        sa.Column("counted_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_replies_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_replies")),
    )
    op.create_table(
        "meta_charge",
        sa.Column("waba_id", sa.Integer(), nullable=False),
        sa.Column("begins_at", moment, nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("pricing_type", sa.String(length=40), nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("volume", big, nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("own_volume", big, nullable=False),
        sa.Column("own_cost", sa.BigInteger(), nullable=True),
        sa.Column("own_unpriced", big, nullable=False),
        sa.Column("read_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["waba_id"], ["waba.id"], name=op.f("fk_meta_charge_waba_id_waba")),
        sa.PrimaryKeyConstraint(
            "waba_id", "begins_at", "phone", "country", "category", "pricing_type", name=op.f("pk_meta_charge")
        ),
    )
    op.create_table(
        "meta_template_day",
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("begins_at", moment, nullable=False),
        sa.Column("product", sa.String(length=40), nullable=False),
        *(sa.Column(name, big, nullable=False) for name in ("sent", "delivered", "read")),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("read_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["template.id"],
            name=op.f("fk_meta_template_day_template_id_template"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", "begins_at", "product", name=op.f("pk_meta_template_day")),
    )
    op.create_table(
        "meta_reading",
        sa.Column("waba_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tried_at", moment, nullable=False),
        sa.Column("read_at", moment, nullable=True),
        sa.Column("prices_error", sa.Text(), nullable=True),
        sa.Column("templates_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["waba_id"], ["waba.id"], name=op.f("fk_meta_reading_waba_id_waba")),
        sa.PrimaryKeyConstraint("waba_id", name=op.f("pk_meta_reading")),
    )


def downgrade() -> None:
    for table in ("meta_reading", "meta_template_day", "meta_charge", "campaign_replies"):
        op.drop_table(table)
    op.drop_column("spending", "price_cap_currency")
    op.drop_column("spending", "price_cap")
    for table, _ in reversed(TABLES):
        op.drop_table(table)
