"""Codes by which users link their phones for chat-ops. Two tables of their own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "phone_link_code",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_phone_link_code_user_id_user")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_phone_link_code")),
    )
    op.create_index("uq_phone_link_code_hash", "phone_link_code", ["code_hash"], unique=True)
    op.create_table(
        "wrong_link_code",
        sa.Column("id", big, nullable=False),
        sa.Column("sender_hash", sa.String(length=64), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrong_link_code")),
    )
    for column in ("sender_hash", "at"):
        op.create_index(op.f(f"ix_wrong_link_code_{column}"), "wrong_link_code", [column])


def downgrade() -> None:
    op.drop_table("wrong_link_code")
    op.drop_table("phone_link_code")
