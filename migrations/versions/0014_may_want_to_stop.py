"""Messages that may ask for an end wait for a person. One table of its own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "possible_opt_out",
        sa.Column("conversation_id", big, nullable=False),
        sa.Column("message_id", big, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("latest_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_possible_opt_out_conversation_id_conversation")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_possible_opt_out")),
    )


def downgrade() -> None:
    op.drop_table("possible_opt_out")
