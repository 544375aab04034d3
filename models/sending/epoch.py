"""Raises the epoch: a counter that grows in each transaction after which something may be sent.

Copies of it are kept outside of the database (jobs.restore.epoch_copies). A database whose epoch is below a copy is an older one
that somebody put back. It is never derived from ids: rows are purged, and SQLite gives their ids again.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.epoch import ONLY_ROW, Epoch


def read_epoch(session: Session) -> int:
    """The epoch; 0 in a database that never sent anything."""
    return session.scalar(select(Epoch.value).where(Epoch.id == ONLY_ROW)) or 0


def raise_epoch(session: Session, above: int = 0) -> int:
    """Raise the epoch by one, or to one more than `above` if that is higher; returns it.

    Called last in a transaction: the row stays locked until the commit.
    """
    statement = update(Epoch).where(Epoch.id == ONLY_ROW).values(value=Epoch.value + 1).returning(Epoch.value)
    value = session.scalar(statement, execution_options=NO_SYNC)
    if value is None:
        session.execute(insert_into(session, Epoch).values(id=ONLY_ROW, value=0).on_conflict_do_nothing())
        value = session.scalars(statement, execution_options=NO_SYNC).one()
    if value <= above:
        value = above + 1
        session.execute(update(Epoch).where(Epoch.id == ONLY_ROW).values(value=value), execution_options=NO_SYNC)
    return value
