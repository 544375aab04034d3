"""Recognises what Meta can only say of a message that this database has not sent yet: then it is an older one.

Only our own installation's callback data and button payloads prove it, and only with a recipient above the highest id ever given
or an attempt above the row's. An id that is merely gone was purged, and a foreign or quoted one proves nothing.
"""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.db.dialect import is_sqlite

_GIVEN_SQLITE = text("SELECT seq FROM sqlite_sequence WHERE name = 'recipient'")
_GIVEN_POSTGRES = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM recipient_id_seq")


def are_ahead(session: Session, recipient_ids: Collection[int]) -> bool:
    """Whether one of these ids was never given to a recipient of this database."""
    if not recipient_ids:
        return False
    given = session.scalar(_GIVEN_SQLITE if is_sqlite(session) else _GIVEN_POSTGRES) or 0
    return max(recipient_ids) > given
