"""Keeps what the search of contacts reads in a table of its own: their texts without case, accents and width.

`contact` is not changed. Triggers note which of its rows are new or changed, and `jobs.maintenance.fold_texts` folds those texts
afterwards. Here the texts of the people who are there are folded, a slice in a transaction, so that nobody waits for long. A process
that is killed meanwhile goes on where it was: each step looks for what there is.
"""

import json
import time

import sqlalchemy as sa
from alembic import op

from models.contacts.text_search import folded_texts
from models.db.folding import FOLD_FUNCTION, fold_function

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXTS = ("name", "first_name", "last_name", "email")
SLICE = 1_000
PAUSE_SECONDS = 0.01
"""After each slice, in which SQLite's other writers have their turn."""
CHANGED = {
    "sqlite": " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in TEXTS),
    "postgresql": " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in TEXTS),
}
TRIGGERS = {
    "sqlite": {
        "contact_search_insert": "AFTER INSERT ON contact BEGIN"
        " INSERT INTO contact_search (contact_id) SELECT NEW.id"
        " WHERE NOT EXISTS (SELECT 1 FROM contact_search WHERE contact_id = NEW.id); END",
        "contact_search_update": f"AFTER UPDATE OF {', '.join(TEXTS)} ON contact WHEN {CHANGED['sqlite']} BEGIN"
        # Also for somebody who has no row yet: what was read of them for one below is old by now.
        " INSERT INTO contact_search (contact_id) SELECT NEW.id"
        " WHERE NOT EXISTS (SELECT 1 FROM contact_search WHERE contact_id = NEW.id);"
        " UPDATE contact_search SET folded = NULL WHERE contact_id = NEW.id; END",
    },
    "postgresql": {
        "contact_search_insert": "AFTER INSERT ON contact FOR EACH ROW EXECUTE FUNCTION hark_contact_search()",
        "contact_search_update": f"AFTER UPDATE OF {', '.join(TEXTS)} ON contact FOR EACH ROW"
        f" WHEN ({CHANGED['postgresql']}) EXECUTE FUNCTION hark_contact_search()",
    },
}
TRIGGER_FUNCTION = (
    "CREATE OR REPLACE FUNCTION hark_contact_search() RETURNS trigger LANGUAGE plpgsql AS $hark$ BEGIN"
    " INSERT INTO contact_search (contact_id) VALUES (NEW.id) ON CONFLICT (contact_id) DO UPDATE SET folded = NULL;"
    " RETURN NULL; END $hark$"
)
FIND_TRIGGER = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = :name",
    "postgresql": "SELECT 1 FROM pg_trigger WHERE tgrelid = 'contact'::regclass AND tgname = :name",
}
PEOPLE = (
    "SELECT id, name, first_name, last_name, email FROM contact AS c WHERE id > :last"
    # The bound stands there twice: a merge of both indexes would read the other one from its beginning for every slice.
    " AND NOT EXISTS (SELECT 1 FROM contact_search AS s WHERE s.contact_id = c.id AND s.contact_id > :last)"
    " ORDER BY id LIMIT :slice"
)
ADD_ROWS = {
    "sqlite": "INSERT INTO contact_search (contact_id, folded)"
    " SELECT value ->> 0, value ->> 1 FROM json_each(:rows) WHERE true ON CONFLICT DO NOTHING",
    "postgresql": "INSERT INTO contact_search (contact_id, folded)"
    " SELECT CAST(value ->> 0 AS bigint), value ->> 1 FROM json_array_elements(CAST(:rows AS json)) ON CONFLICT DO NOTHING",
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_table(
        "contact_search",
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("folded", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact_search")),
        if_not_exists=True,
    )
    is_stale = sa.text("folded IS NULL")
    op.create_index(
        "ix_contact_search_stale",
        "contact_search",
        ["contact_id"],
        sqlite_where=is_stale,
        postgresql_where=is_stale,
        if_not_exists=True,
    )
    if dialect == "postgresql":
        for statement in (fold_function(), TRIGGER_FUNCTION):
            op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    with op.get_context().autocommit_block():
        for name, what in TRIGGERS[dialect].items():
            if op.get_bind().execute(sa.text(FIND_TRIGGER[dialect]), {"name": name}).first() is None:
                op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {what}")
        _add_rows(dialect)


def downgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for name in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(f"DROP TRIGGER {name}{' ON contact' if is_postgres else ''}")
    op.drop_table("contact_search")
    if is_postgres:
        for signature in (FOLD_FUNCTION, "hark_contact_search()"):
            op.execute(f"DROP FUNCTION {signature}")


def _add_rows(dialect: str) -> None:
    """A row for everybody who was there before the triggers. Whoever changes meanwhile has an empty one by then, which stays."""
    bind, last = op.get_bind(), 0
    while people := bind.execute(sa.text(PEOPLE), {"last": last, "slice": SLICE}).all():
        rows = [(row.id, folded_texts(row.name, row.first_name, row.last_name, row.email)) for row in people]
        bind.execute(sa.text(ADD_ROWS[dialect]), {"rows": json.dumps(rows)})
        last = people[-1].id
        time.sleep(PAUSE_SECONDS)
