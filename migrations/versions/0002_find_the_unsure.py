"""An index of the messages that are or were unsure."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WHERE = sa.text("unsure_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_recipient_unsure", "recipient", ["campaign_id", "id"], sqlite_where=WHERE, postgresql_where=WHERE
    )


def downgrade() -> None:
    op.drop_index("ix_recipient_unsure", table_name="recipient")
