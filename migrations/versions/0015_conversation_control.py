"""Conversations that another responder on the number has or had. A table of its own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversation_control",
        sa.Column("conversation_id", big, nullable=False, autoincrement=False),
        sa.Column("responder", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_conversation_control_conversation_id_conversation"
        ),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_conversation_control"),
    )


def downgrade() -> None:
    op.drop_table("conversation_control")
