"""Meta's message ids must be unique: an answer whose id another row has says nothing certain of its own message."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.conversation import Message
from models.tables.recipient import Recipient


def duplicate_wamids(
    session: Session, table: type[Recipient] | type[Message], answers: Iterable[tuple[int, str | None]]
) -> set[str]:
    """Of the answers (row id, wamid): the ids that another row of the table has already, or that came for two rows."""
    owners: dict[str, int] = {}
    doubled = set()
    for row_id, wamid in answers:
        if wamid and owners.setdefault(wamid, row_id) != row_id:
            doubled.add(wamid)
    if owners:
        query = select(table.wamid, table.id).where(table.wamid.in_(list(owners)))
        doubled |= {wamid for wamid, owner in session.execute(query) if wamid and owners[wamid] != owner}
    return doubled
