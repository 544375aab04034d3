"""What stands between Hark and a shop. Four tables of their own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
word = sa.String(length=24)
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shop_customer_without_phone",
        sa.Column("id", big, nullable=False),
        sa.Column("shop", sa.String(length=100), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("raw_phone", sa.String(length=64), nullable=True),
        sa.Column("reason", word, nullable=False),
        sa.Column("changed_at", moment, nullable=True),
        sa.Column("seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_customer_without_phone")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_shop_customer_without_phone_customer_id")),
    )
    for column in ("reason", "seen_at"):
        op.create_index(
            op.f(f"ix_shop_customer_without_phone_{column}"), "shop_customer_without_phone", [column]
        )
    op.create_table(
        "shop_customer_read",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_shop_customer_read")),
    )
    op.create_index(op.f("ix_shop_customer_read_next_try_at"), "shop_customer_read", ["next_try_at"])
    op.create_table(
        "shop_opt_out",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("opted_out_at", moment, nullable=False),
        sa.Column("state", word, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_shop_opt_out")),
    )
    op.create_index("ix_shop_opt_out_due", "shop_opt_out", ["state", "next_try_at"])
    op.create_table(
        "shop_look",
        sa.Column("shop", sa.String(length=100), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("reached_at", moment, nullable=True),
        sa.Column("in_window", sa.Integer(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("next_try_at", moment, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", name=op.f("pk_shop_look")),
    )


def downgrade() -> None:
    for table in ("shop_look", "shop_opt_out", "shop_customer_read", "shop_customer_without_phone"):
        op.drop_table(table)
