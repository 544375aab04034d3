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
    op.add_column("spending", sa.Column("price_cap", sa.BigInteger(), nullable=True))
    op.add_column("spending", sa.Column("price_cap_currency", sa.String(length=3), nullable=True))


def downgrade() -> None:
    op.drop_column("spending", "price_cap_currency")
    op.drop_column("spending", "price_cap")
    for table, _ in reversed(TABLES):
        op.drop_table(table)
