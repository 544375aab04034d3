"""Replies that nothing took wait to be read. One table of its own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "unread_reply",
        sa.Column("conversation_id", big, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("latest_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_unread_reply_conversation_id_conversation")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_unread_reply")),
    )


def downgrade() -> None:
    op.drop_table("unread_reply")
