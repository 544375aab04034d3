"""Finds answers whose wamid another row has. Meta's message ids must be unique, so such a message's own result is unsure."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.conversation import Message
from models.tables.recipient import Recipient


def duplicate_wamids(
    session: Session, table: type[Recipient] | type[Message], answers: Iterable[tuple[int, str | None]]
) -> set[str]:
    """Of the answers (row id, wamid), the wamids that another row of the table has already, or that came for two rows."""
    owners: dict[str, int] = {}
    duplicates = set()
    for row_id, wamid in answers:
        if wamid and owners.setdefault(wamid, row_id) != row_id:
            duplicates.add(wamid)
    if owners:
        query = select(table.wamid, table.id).where(table.wamid.in_(list(owners)))
        duplicates |= {wamid for wamid, owner in session.execute(query) if wamid and owners[wamid] != owner}
    return duplicates
