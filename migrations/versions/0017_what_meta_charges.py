"""What Meta says that a message costs: of recipients in nullable columns, of answers in two tables of their own.

Nothing is filled in. `spending.untold` is NULL until a campaign is counted again, which the schedule does by itself; what Meta said
of older answers was not kept, so it is unknown.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def _price() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", sa.String(length=3), nullable=True),
        sa.Column("price_at", moment, nullable=True),
    )


def upgrade() -> None:
    for column in _price():
        op.add_column("recipient", column)
    op.add_column("spending", sa.Column("untold", big, nullable=True))
    op.create_table(
        "answer_cost",
        sa.Column("message_id", big, autoincrement=False, nullable=False),
        sa.Column("number_id", sa.Integer(), nullable=False),
        sa.Column("price_area", sa.String(length=8), nullable=True),
        sa.Column("received_at", moment, nullable=True),
        sa.Column("pricing_category", sa.String(length=40), nullable=True),
        sa.Column("pricing_type", sa.String(length=40), nullable=True),
        sa.Column("is_billable", sa.Boolean(), nullable=True),
        *_price(),
        sa.Column("noted_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_answer_cost_number_id_number")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_answer_cost")),
    )
    for name in ("received_at", "noted_at"):
        op.create_index(op.f(f"ix_answer_cost_{name}"), "answer_cost", [name])
    op.create_table(
        "answer_spending",
        sa.Column("number_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, big, nullable=False)
            for name in ("billed", "unpriced", "free", "free_entry_point", "free_other", "untold")
        ),
        sa.Column("counted_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_answer_spending_number_id_number")),
        sa.PrimaryKeyConstraint("number_id", "month", "currency", name=op.f("pk_answer_spending")),
    )


def downgrade() -> None:
    op.drop_table("answer_spending")
    op.drop_table("answer_cost")
    op.drop_column("spending", "untold")
    for name in ("price_at", "cost_currency", "cost"):
        op.drop_column("recipient", name)
