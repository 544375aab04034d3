"""Numbers may send marketing by Meta's Marketing Messages API: nullable plain columns, no table is rebuilt."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)
COLUMNS = (
    ("number", "marketing_api", sa.Boolean()),
    ("number", "marketing_policy", sa.String(24)),
    ("number", "marketing_activity_sharing", sa.Boolean()),
    ("waba", "currency", sa.String(3)),
    ("waba", "marketing_onboarding", sa.String(64)),
    ("waba", "marketing_terms", sa.String(64)),
    ("waba", "marketing_off_on_cloud_api", sa.Boolean()),
    ("waba", "marketing_read_at", moment),
    ("waba", "marketing_error", sa.Text()),
    ("template", "optimization_spec", sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")),
    ("template", "message_send_ttl_seconds", sa.Integer()),
    ("campaign", "max_price", sa.BigInteger()),
    ("campaign", "max_price_currency", sa.String(3)),
    ("recipient", "endpoint", sa.String(24)),
)


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, name, _kind in reversed(COLUMNS):
        op.drop_column(table, name)
