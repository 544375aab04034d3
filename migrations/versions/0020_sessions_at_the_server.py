"""Sessions of browsers are rows, so that they can be listed and ended. A table of its own; no other is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "browser_session",
        sa.Column("id", big, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("method", sa.String(24), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(100), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("signed_in_at", moment, nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("end_reason", sa.String(24), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_browser_session_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
    )
    op.create_index("uq_browser_session_token_hash", "browser_session", ["token_hash"], unique=True)
    op.create_index("ix_browser_session_user_id", "browser_session", ["user_id", "ended_at"])


def downgrade() -> None:
    op.drop_table("browser_session")
