"""Every entry of the audit gets a link in a chain of hashes. Tables of their own; what is there is sealed by a job, in slices."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_seal",
        sa.Column("number", big, autoincrement=False, nullable=False),
        sa.Column("audit_id", big, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_seal_audit_id")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", big, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("old_last", big, nullable=False),
        sa.Column("start_number", big, nullable=False),
        sa.Column("start_hash", sa.String(64), nullable=False),
        sa.Column("start_mac", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_chain_only_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    op.execute(
        "INSERT INTO audit_chain (id, number, hash, old_last, start_number, start_hash, start_mac)"
        " SELECT 1, 0, '', coalesce(max(id), 0), 0, '', '' FROM audit"
    )


def downgrade() -> None:
    op.drop_table("audit_chain")
    op.drop_table("audit_seal")
