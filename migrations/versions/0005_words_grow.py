"""Words that grow leave their CHECKs, so that a new reason rebuilds no table.

PostgreSQL drops a constraint in an instant. SQLite cannot; its manual (ALTER TABLE, "Making Other Kinds Of Table Schema Changes")
lets a CHECK be taken out of the stored text of the table, which touches no row: a database with a million recipients and a running
campaign is locked for milliseconds. Other connections read the schema again when its version changes.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WORDS = {
    "contact": ("phone_problem",),
    "campaign": ("status", "outcome", "pause_reason"),
    "recipient": ("state", "reason"),
    "message": ("state",),
    "case": ("status",),
    "flow_session": ("status",),
    "action": ("kind", "state"),
    "waba": ("state",),
}


def upgrade() -> None:
    for table, columns in WORDS.items():
        names = [f"ck_{table}_{column}" for column in columns]
        if op.get_bind().dialect.name == "sqlite":
            _edit(table, names)
        else:
            # Each table by itself: the lock on one is not kept while another is waited for.
            drops = ", ".join(f"DROP CONSTRAINT IF EXISTS {name}" for name in names)
            with op.get_context().autocommit_block():
                op.execute(f'ALTER TABLE "{table}" {drops}')


def downgrade() -> None:
    """The words are not guarded again: rows may hold newer ones. Nothing of the version before needs the guard."""


def _edit(table: str, names: list[str]) -> None:
    """Take constraints out of the stored text of a table. Each stands in a line of its own, before the closing parenthesis."""
    bind = op.get_bind()
    text = bind.execute(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table}).scalar_one()
    edited = text
    for name in names:
        edited = re.sub(rf",\s*CONSTRAINT \"?{name}\"? CHECK \((?:[^()']|'[^']*'|\((?:[^()']|'[^']*')*\))*\)", "", edited)
    if edited == text:
        return
    version = bind.execute(sa.text("PRAGMA schema_version")).scalar_one()
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :name"), {"sql": edited, "name": table}
    )
    bind.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))
