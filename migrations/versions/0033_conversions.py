"""Goals of campaigns, orders that belong to a campaign's message, refunds, and triggers that note what is to be attributed again.

No table is rebuilt: what orders say about refunds stands in nullable plain columns. A process that is killed between the triggers
goes on where it was: each step looks for what there is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
ORDER_COLUMNS = ("gross_milli", "refunded_milli")

_NOTE = "INSERT INTO conversion_change (contact_id)"
_HAS_GOALS = "EXISTS (SELECT 1 FROM goal)"
_OF_GOALS = "EXISTS (SELECT 1 FROM goal g WHERE g.campaign_id = {0}.campaign_id)"
_OF_ORDER = "SELECT o.contact_id FROM contact_order o WHERE o.id = NEW.order_id"
_BOTH = "SELECT NEW.contact_id UNION SELECT OLD.contact_id"
_WATCHED = {
    "contact_order": (
        "contact_id", "placed_at", "cancelled_at", "total_milli", "gross_milli", "refunded_milli", "currency",
    ),
    "order_refund": ("order_id", "amount_milli", "currency"),
    "recipient": ("contact_id", "accepted_at", "delivered_at", "read_at"),
}  # fmt: skip
_IS_REACHED = "(NEW.delivered_at IS NOT NULL OR NEW.read_at IS NOT NULL OR NEW.unsure_at IS NOT NULL)"


def upgrade() -> None:
    op.create_table(
        "goal",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(24), nullable=False),
        sa.Column("within_days", sa.SmallInteger(), nullable=False),
        sa.Column("has_value", sa.Boolean(), nullable=False),
        sa.CheckConstraint("place >= 0 AND place < 3", name=op.f("ck_goal_place")),
        sa.CheckConstraint("within_days >= 1 AND within_days <= 365", name=op.f("ck_goal_within_days")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_goal_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", "place", name=op.f("pk_goal")),
        if_not_exists=True,
    )
    op.create_index("uq_goal_window", "goal", ["campaign_id", "event", "within_days"], unique=True, if_not_exists=True)
    op.create_table(
        "conversion_change",
        sa.Column("id", big_id, nullable=False),
        sa.Column("contact_id", big_id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversion_change")),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    _create_refunds()
    _create_conversions()
    existing = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("contact_order")}
    for name in ORDER_COLUMNS:
        if name not in existing:
            op.add_column("contact_order", sa.Column(name, sa.BigInteger(), nullable=True))
    _create_triggers()


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for name, (table, _when, _body) in _triggers(dialect).items():
        op.execute(f"DROP TRIGGER {name}{f' ON {table}' if dialect == 'postgresql' else ''}")
        if dialect == "postgresql":
            op.execute(f"DROP FUNCTION {name}()")
    for name in reversed(ORDER_COLUMNS):
        op.drop_column("contact_order", name)
    for table in ("conversion", "order_refund", "conversion_change", "goal"):
        op.drop_table(table)


def _create_refunds() -> None:
    op.create_table(
        "order_refund",
        sa.Column("id", big_id, nullable=False),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("order_external_id", sa.String(100), nullable=False),
        sa.Column("external_id", sa.String(100), nullable=False),
        sa.Column("order_id", big_id, nullable=True),
        sa.Column("amount_milli", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("refunded_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.CheckConstraint("amount_milli >= 0", name=op.f("ck_order_refund_amount")),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["contact_order.id"],
            name=op.f("fk_order_refund_order_id_contact_order"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refund")),
        if_not_exists=True,
    )
    op.create_index(
        "uq_order_refund_external",
        "order_refund",
        ["shop", "order_external_id", "external_id"],
        unique=True,
        if_not_exists=True,
    )
    op.create_index(op.f("ix_order_refund_order_id"), "order_refund", ["order_id"], if_not_exists=True)


def _create_conversions() -> None:
    op.create_table(
        "conversion",
        sa.Column("order_id", big_id, autoincrement=False, nullable=False),
        sa.Column("model", sa.String(24), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", big_id, nullable=False),
        sa.Column("touch", sa.String(24), nullable=False),
        sa.Column("touched_at", moment, nullable=False),
        sa.Column("within_days", sa.SmallInteger(), nullable=False),
        sa.Column("has_value", sa.Boolean(), nullable=False),
        sa.Column("ordered_at", moment, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("total_milli", sa.BigInteger(), nullable=False),
        sa.Column("refunded_milli", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["contact_order.id"], name=op.f("fk_conversion_order_id_contact_order"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_conversion_campaign_id_campaign")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_conversion_recipient_id_recipient"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "model", name=op.f("pk_conversion")),
        if_not_exists=True,
    )
    figures = ["recipient_id", "within_days", "has_value", "currency", "total_milli", "refunded_milli"]
    op.create_index(
        "ix_conversion_figures", "conversion", ["campaign_id", "model", *figures], unique=False, if_not_exists=True
    )
    newest = ["campaign_id", "model", "ordered_at", "order_id"]
    op.create_index("ix_conversion_newest", "conversion", newest, if_not_exists=True)
    op.create_index("ix_conversion_recipient", "conversion", ["recipient_id", "model"], if_not_exists=True)


def _create_triggers() -> None:
    """Each in a transaction of its own, as it locks a table that campaigns write."""
    dialect = op.get_bind().dialect.name
    find = {
        "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = :name",
        "postgresql": "SELECT 1 FROM pg_trigger WHERE tgname = :name",
    }[dialect]
    with op.get_context().autocommit_block():
        for name, (table, when, body) in _triggers(dialect).items():
            if op.get_bind().execute(sa.text(find), {"name": name}).first() is not None:
                continue
            if dialect == "sqlite":
                op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {when} BEGIN {body}; END")
                continue
            op.get_bind().exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $hark$ BEGIN {body}; RETURN NULL; END $hark$"
            )
            op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()")


def _triggers(dialect: str) -> dict[str, tuple[str, str, str]]:
    """Name → (table, when, what).

    Attribution needs an order and a message that reached somebody, so rows that say nothing of either note nobody. What a deleted
    order took part in goes with it.
    """
    accepted = f"{_differs(dialect, 'accepted_at')} AND {_IS_REACHED}"
    changed = " OR ".join(_differs(dialect, name) for name in ("contact_id", "delivered_at", "read_at"))
    reached = "NEW.delivered_at IS NOT NULL OR NEW.read_at IS NOT NULL"
    return {
        "conversion_order_insert": _trigger(
            dialect, "contact_order", "INSERT", None, f"{_NOTE} SELECT NEW.contact_id WHERE {_HAS_GOALS}"
        ),
        "conversion_order_update": _trigger(
            dialect,
            "contact_order",
            "UPDATE",
            _any_differs(dialect, "contact_order"),
            f"{_NOTE} SELECT contact_id FROM ({_BOTH}) AS both_of_them WHERE {_HAS_GOALS}",
        ),
        "conversion_refund_insert": _trigger(
            dialect, "order_refund", "INSERT", "NEW.order_id IS NOT NULL", f"{_NOTE} {_OF_ORDER} AND {_HAS_GOALS}"
        ),
        "conversion_refund_update": _trigger(
            dialect,
            "order_refund",
            "UPDATE",
            f"NEW.order_id IS NOT NULL AND ({_any_differs(dialect, 'order_refund')})",
            f"{_NOTE} {_OF_ORDER} AND {_HAS_GOALS}",
        ),
        "conversion_message_insert": _trigger(
            dialect,
            "recipient",
            "INSERT",
            reached,
            f"{_NOTE} SELECT NEW.contact_id WHERE {_OF_GOALS.format('NEW')}",
        ),
        "conversion_message_update": _trigger(
            dialect,
            "recipient",
            "UPDATE",
            f"{changed} OR ({accepted})",
            f"{_NOTE} SELECT contact_id FROM ({_BOTH}) AS both_of_them WHERE {_OF_GOALS.format('NEW')}",
        ),
        "conversion_message_delete": _trigger(
            dialect,
            "recipient",
            "DELETE",
            reached.replace("NEW", "OLD"),
            f"{_NOTE} SELECT OLD.contact_id WHERE {_OF_GOALS.format('OLD')}",
        ),
    }


def _trigger(dialect: str, table: str, event: str, condition: str | None, body: str) -> tuple[str, str, str]:
    columns = f" OF {', '.join(_WATCHED[table])}" if event == "UPDATE" else ""
    each = " FOR EACH ROW" if dialect == "postgresql" else ""
    when = f" WHEN ({condition})" if condition else ""
    return table, f"AFTER {event}{columns} ON {table}{each}{when}", body


def _any_differs(dialect: str, table: str) -> str:
    return " OR ".join(_differs(dialect, name) for name in _WATCHED[table])


def _differs(dialect: str, name: str) -> str:
    return f"OLD.{name} {'IS NOT' if dialect == 'sqlite' else 'IS DISTINCT FROM'} NEW.{name}"
