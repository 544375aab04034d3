"""How templates are written here, and what became of them. Two tables of their own; `template` is not touched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "template_draft",
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("definition", json, nullable=False),
        sa.Column("has_text", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("state_at", moment, nullable=False),
        sa.Column("written_at", moment, nullable=False),
        sa.Column("written_by", sa.String(254), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_template_draft_template_id_template"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_template_draft")),
    )
    op.create_table(
        "template_event",
        sa.Column("id", big, nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("before", sa.String(64), nullable=True),
        sa.Column("after", sa.String(64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_template_event_template_id_template"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_event")),
    )
    op.create_index("ix_template_event_life", "template_event", ["template_id", "at", "id"])


def downgrade() -> None:
    op.drop_table("template_event")
    op.drop_table("template_draft")
