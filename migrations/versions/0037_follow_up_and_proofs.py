"""Which people of a campaign are being put on a list, the keys that sign proofs, and the texts that templates had before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "list_fill",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("people", json, nullable=False),
        sa.Column("after_id", big, nullable=False),
        sa.Column("until_id", big, nullable=False),
        sa.Column("begin_id", big, nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_list_fill_list_id_list"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_fill")),
    )
    op.create_index(op.f("ix_list_fill_list_id"), "list_fill", ["list_id"])
    op.create_index(
        "ix_list_fill_open",
        "list_fill",
        ["id"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "proof_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_key")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_proof_key_fingerprint")),
    )
    op.create_table(
        "former_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("parameter_format", sa.String(16), nullable=False),
        sa.Column("components", json, nullable=False),
        sa.Column("replaced_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_former_template_template_id_template"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_template")),
    )
    op.create_index("ix_former_template_replaced", "former_template", ["template_id", "replaced_at"])


def downgrade() -> None:
    op.drop_table("former_template")
    op.drop_table("proof_key")
    op.drop_table("list_fill")
