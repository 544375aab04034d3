"""Changes of user ids are kept for a time. One table of its own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "user_id_change",
        sa.Column("id", big, nullable=False),
        sa.Column("portfolio_id", sa.Integer(), nullable=False),
        sa.Column("bsuid", sa.String(length=200), nullable=False),
        sa.Column("new_bsuid", sa.String(length=200), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["portfolio_id"], ["portfolio.id"], name=op.f("fk_user_id_change_portfolio_id_portfolio")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_id_change")),
    )
    op.create_index("uq_user_id_change_bsuid", "user_id_change", ["portfolio_id", "bsuid"], unique=True)
    op.create_index("ix_user_id_change_new", "user_id_change", ["portfolio_id", "new_bsuid"])
    op.create_index(op.f("ix_user_id_change_created_at"), "user_id_change", ["created_at"])


def downgrade() -> None:
    op.drop_table("user_id_change")
