"""Results of campaigns: who opted out because of one, and sums over recipients that a trigger marks for a recount."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

BLOCK_BITS = 13
big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
json_type = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
moment = sa.DateTime(timezone=True)
COUNTED = (
    "state", "reason", "cohort_id", "error_code", "claimed_at", "accepted_at", "sent_at", "delivered_at", "read_at",
    "failed_at", "replied_at",
)  # fmt: skip
"""The columns of a recipient that the sums are made of."""
WATCHED = (("recipient", "id"), ("recipient_tap", "recipient_id"), ("funnel_step", "recipient_id"),
    ("recipient_opt_out", "recipient_id"))  # fmt: skip
EVENTS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def upgrade() -> None:
    op.create_table(
        "recipient_opt_out",
        sa.Column("recipient_id", big_id, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(24), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_recipient_opt_out_recipient_id_recipient")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_recipient_opt_out_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("recipient_id", name=op.f("pk_recipient_opt_out")),
    )
    op.create_index("ix_recipient_opt_out_campaign", "recipient_opt_out", ["campaign_id", "way"])
    op.create_table(
        "recipient_change",
        sa.Column("id", big_id, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient_change")),
    )
    op.create_index("ix_recipient_change_block", "recipient_change", ["block"])
    op.create_table(
        "recipient_block",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("figures", json_type, nullable=False),
        sa.Column("counted_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "block", name=op.f("pk_recipient_block")),
    )
    op.create_index("ix_recipient_block_block", "recipient_block", ["block"])
    op.create_table(
        "campaign_result",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("figures", json_type, nullable=True),
        sa.Column("curve", json_type, nullable=True),
        sa.Column("steps", json_type, nullable=True),
        sa.Column("counted_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_result")),
    )
    op.create_index(
        "ix_campaign_result_stale", "campaign_result", ["campaign_id"], sqlite_where=sa.text("is_stale"),
        postgresql_where=sa.text("is_stale"),
    )  # fmt: skip
    op.create_table(
        "result_hour",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("hour", moment, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("sent", "delivered", "read", "replied", "opted_out")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_result_hour_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", "language", "hour", name=op.f("pk_result_hour")),
    )
    op.create_index("ix_result_hour_hour", "result_hour", ["hour"])
    _mark_all_blocks()
    make = _sqlite if op.get_bind().dialect.name == "sqlite" else _postgres
    for table, key in WATCHED:
        make(table, key)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, _key in WATCHED:
        for event in EVENTS:
            op.execute(f"DROP TRIGGER results_{table}_{event}" + ("" if is_sqlite else f" ON {table}"))
    if not is_sqlite:
        for key in ("id", "recipient_id"):
            op.execute(f"DROP FUNCTION results_mark_{key}()")
    op.drop_index("ix_result_hour_hour", table_name="result_hour")
    op.drop_table("result_hour")
    op.drop_index("ix_campaign_result_stale", table_name="campaign_result")
    op.drop_table("campaign_result")
    op.drop_index("ix_recipient_block_block", table_name="recipient_block")
    op.drop_table("recipient_block")
    op.drop_index("ix_recipient_change_block", table_name="recipient_change")
    op.drop_table("recipient_change")
    op.drop_index("ix_recipient_opt_out_campaign", table_name="recipient_opt_out")
    op.drop_table("recipient_opt_out")


def _mark_all_blocks() -> None:
    """Have the recipients of before counted: one mark for thousands of them, found by the highest id alone."""
    highest = op.get_bind().scalar(sa.text("SELECT max(id) FROM recipient"))
    if highest is not None:
        change = sa.table("recipient_change", sa.column("block"))
        op.bulk_insert(change, [{"block": block} for block in range((highest >> BLOCK_BITS) + 1)])


def _sqlite(table: str, key: str) -> None:
    """A mark per block, which stays until the block is counted: a changed row costs one look at a small index."""
    for event, row in EVENTS.items():
        block = f"{row}.{key} >> {BLOCK_BITS}"
        columns = f" OF {', '.join(COUNTED)}" if (table, event) == ("recipient", "update") else ""
        op.execute(
            f"CREATE TRIGGER results_{table}_{event} AFTER {event}{columns} ON {table} "  # noqa: S608 - fixed names
            f"WHEN NOT EXISTS (SELECT 1 FROM recipient_change WHERE block = {block}) "
            f"BEGIN INSERT INTO recipient_change (block) VALUES ({block}); END"
        )


def _postgres(table: str, key: str) -> None:
    """A mark per statement and block. It is only ever added, so no transaction waits for another."""
    op.execute(
        f"CREATE OR REPLACE FUNCTION results_mark_{key}() RETURNS trigger LANGUAGE plpgsql AS $results$"  # noqa: S608 - fixed names
        f"BEGIN INSERT INTO recipient_change (block) SELECT DISTINCT {key} >> {BLOCK_BITS} FROM changed_rows;"
        " RETURN NULL; END$results$"
    )
    with op.get_context().autocommit_block():  # each table is locked for a moment, and by itself
        for event, row in EVENTS.items():
            op.execute(
                f"CREATE TRIGGER results_{table}_{event} AFTER {event} ON {table} REFERENCING {row} TABLE AS changed_rows "
                f"FOR EACH STATEMENT EXECUTE FUNCTION results_mark_{key}()"
            )
