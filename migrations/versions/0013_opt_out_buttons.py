"""Which buttons of a template opt out, by their place. Nullable columns of small tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("template", sa.Column("opt_out_buttons", json, nullable=True))
    op.add_column("campaign", sa.Column("opt_out_buttons", json, nullable=True))


def downgrade() -> None:
    op.drop_column("campaign", "opt_out_buttons")
    op.drop_column("template", "opt_out_buttons")
