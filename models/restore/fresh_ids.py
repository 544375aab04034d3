"""Skips ids that a lost database may have given: Meta's statuses still name them, and they must not fit the rows of others."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.db.dialect import is_sqlite

SEQUENCES = {"recipient": "recipient_id_seq", "message": "message_id_seq"}
"""Of the tables whose ids are in callback data (docs/meta.md §2.1)."""

# GREATEST and max: the clock may have been set back since the last time.
_SKIP_POSTGRES = text(
    "SELECT setval(CAST(:sequence AS regclass), GREATEST(:floor, pg_sequence_last_value(CAST(:sequence AS regclass))))"
)
_SKIP_SQLITE = text("UPDATE sqlite_sequence SET seq = max(seq, :floor) WHERE name = :table RETURNING seq")
_FIRST_SQLITE = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :floor)")


def skip_ids(session: Session, now: datetime) -> None:
    """Let the next ids begin at the time in milliseconds: more than any database can have given until now."""
    floor = int(now.timestamp() * 1000)
    for table, sequence in SEQUENCES.items():
        if not is_sqlite(session):
            session.execute(_SKIP_POSTGRES, {"sequence": sequence, "floor": floor})
        elif session.execute(_SKIP_SQLITE, {"table": table, "floor": floor}).first() is None:
            session.execute(_FIRST_SQLITE, {"table": table, "floor": floor})
