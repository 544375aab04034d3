"""Rewrites times that version 0.1 stored on SQLite in another form, slice by slice.

It wrote times that came with many rows (statuses, replies, senders) as `2026-11-22T10:00:00`, with a fraction only where there was
one, and all others as `2026-11-22 10:00:00.000000`. Times are compared as text there, so that of one day each of the first kind was
later than each of the second.
"""

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from models.db.base import UtcDateTime

_FRACTION = "substr(rtrim(replace(substr({0}, 21), '+00:00', ''), 'Z') || '000000', 1, 6)"
_NEW_FORM = (
    "substr({0}, 1, 10) || ' ' || substr({0}, 12, 8) || '.' ||"
    f" CASE WHEN substr({{0}}, 20, 1) = '.' THEN {_FRACTION} ELSE '000000' END"
)


def rewrite_slice(session: Session, table: Table, first: int, size: int) -> int | None:
    """Rewrite the times of the rows from the rowid `first` on; return where the next slice begins, None if there is none."""
    newest = session.execute(text(f'SELECT max(rowid) FROM "{table.name}"')).scalar()  # noqa: S608 - a table of ours
    if newest is None or first > newest:
        return None
    names = [column.name for column in table.columns if isinstance(column.type, UtcDateTime)]
    if names:
        changes = ", ".join(
            f'"{name}" = CASE WHEN {_is_old(name)} THEN {_NEW_FORM.format(name)} ELSE "{name}" END' for name in names
        )
        is_old = " OR ".join(map(_is_old, names))
        statement = f'UPDATE "{table.name}" SET {changes} WHERE rowid >= :first AND rowid < :end AND ({is_old})'  # noqa: S608
        session.execute(text(statement), {"first": first, "end": first + size})
    return first + size


def _is_old(name: str) -> str:
    return f"substr(\"{name}\", 11, 1) = 'T'"
