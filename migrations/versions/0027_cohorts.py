"""Cohorts: the people of a campaign who get the same message. The queue and the figures of recipients are indexed by them.

A campaign that runs gets one cohort here. Its recipients are assigned to it by a job, in slices (jobs.sending.cohort_assignment);
until then a sender takes them by their campaign. An online index commits what was done before it, so each step looks whether it is
done already: a migration that was interrupted runs again from its begin.
"""

import contextlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.db.online_index import create_index_online

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
moment = sa.DateTime(timezone=True)
QUEUED = sa.text("state = 'queued'")
FIGURES = ("campaign_id", "state", "status", "reason", "is_replied")
_COHORTS_OF_RUNNING = """
INSERT INTO cohort (campaign_id, position, template_id, is_open, has_unassigned, created_at)
SELECT id, 0, template_id, :yes, :yes, updated_at FROM campaign
WHERE status IN ('active', 'paused') AND template_id IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM cohort WHERE cohort.campaign_id = campaign.id)
"""


def upgrade() -> None:
    op.create_table(
        "cohort",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("variables", json, nullable=True),
        sa.Column("media", json, nullable=True),
        sa.Column("content", json, nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("variant", sa.String(length=40), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("opens_at", moment, nullable=True),
        sa.Column("closes_at", moment, nullable=True),
        sa.Column("pause_reason", sa.String(length=24), nullable=True),
        sa.Column("pause_detail", sa.Text(), nullable=True),
        sa.Column("paused_at", moment, nullable=True),
        sa.Column("resumes_at", moment, nullable=True),
        sa.Column("edition", sa.Integer(), server_default="0", nullable=False),
        sa.Column("has_unassigned", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.CheckConstraint(
            "(pause_reason IS NULL) = (paused_at IS NULL)", name=op.f("ck_cohort_pause_has_a_reason")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_cohort_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_cohort_template_id_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort")),
        if_not_exists=True,
    )
    op.create_index("uq_cohort_position", "cohort", ["campaign_id", "position"], unique=True, if_not_exists=True)
    op.create_index(op.f("ix_cohort_template_id"), "cohort", ["template_id"], if_not_exists=True)
    _add_columns("campaign", _of_campaign())
    op.get_bind().execute(sa.text(_COHORTS_OF_RUNNING), {"yes": True})
    with _transaction_of_its_own():
        _add_columns("recipient", [sa.Column("cohort_id", sa.Integer(), nullable=True)])
    create_index_online(op, "ix_recipient_cohort_queue", "recipient", ["cohort_id", "due_at", "id"], where=QUEUED)
    create_index_online(op, "ix_recipient_figures", "recipient", [*FIGURES, "cohort_id"])
    _drop_online("ix_recipient_queue")
    _drop_online("ix_recipient_counts")


def downgrade() -> None:
    create_index_online(op, "ix_recipient_counts", "recipient", FIGURES)
    create_index_online(op, "ix_recipient_queue", "recipient", ["campaign_id", "due_at", "id"], where=QUEUED)
    _drop_online("ix_recipient_figures")
    _drop_online("ix_recipient_cohort_queue")
    op.drop_column("recipient", "cohort_id")
    for name in ("by_language", "fallback_language", "languages"):
        op.drop_column("campaign", name)
    op.drop_table("cohort")


def _of_campaign() -> list[sa.Column[object]]:
    return [
        sa.Column("languages", json, nullable=True),
        sa.Column("fallback_language", sa.String(length=16), nullable=True),
        sa.Column("by_language", json, nullable=True),
    ]


def _add_columns(table: str, columns: list[sa.Column[object]]) -> None:
    existing = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in existing:
            op.add_column(table, column)


def _transaction_of_its_own() -> contextlib.AbstractContextManager[None]:
    """Nobody who needs the campaigns waits while the column waits for the recipients."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    return op.get_context().autocommit_block() if is_postgresql else contextlib.nullcontext()


def _drop_online(name: str) -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    with _transaction_of_its_own():
        op.drop_index(name, table_name="recipient", if_exists=True, postgresql_concurrently=is_postgresql)
