"""What people were known by before, and what their records said before they were merged."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "former_id",
        sa.Column("id", big, nullable=False),
        sa.Column("contact_id", big, nullable=False),
        sa.Column("key", sa.String(length=220), nullable=False),
        sa.Column("shown", sa.String(length=200), nullable=False),
        sa.Column("was_whatsapp", sa.Boolean(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_former_id_contact_id_contact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_id")),
        sa.UniqueConstraint("key", name=op.f("uq_former_id_key")),
    )
    op.create_index(op.f("ix_former_id_contact_id"), "former_id", ["contact_id"])
    op.create_table(
        "former_value",
        sa.Column("id", big, nullable=False),
        sa.Column("contact_id", big, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "field", "attribute", "tag", name="kind", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_former_value_contact_id_contact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_value")),
    )
    op.create_index(op.f("ix_former_value_contact_id"), "former_value", ["contact_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_former_value_contact_id"), table_name="former_value")
    op.drop_table("former_value")
    op.drop_index(op.f("ix_former_id_contact_id"), table_name="former_id")
    op.drop_table("former_id")
