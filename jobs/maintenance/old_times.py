"""Rewrites what version 0.1 stored of times on SQLite (`models.db.old_times`), for as long as a table may hold such."""

import time
from datetime import datetime

from sqlalchemy import delete, select, update

from jobs.core.runtime import Runtime
from models.db.dialect import NO_SYNC
from models.db.old_times import rewrite_slice
from models.tables import metadata
from models.tables.old_time_form import OldTimeForm

SLICE = 5_000
SECONDS = 0.3
"""After so long the other periodic jobs have their turn."""


def rewrite_old_times(rt: Runtime, now: datetime) -> None:  # noqa: ARG001 - the schedule's form
    """Rewrite at least a slice, and more for SECONDS. Two at once do a slice twice, which changes nothing."""
    if not rt.database.is_sqlite:
        return
    deadline = time.monotonic() + SECONDS
    while True:
        with rt.database.read() as session:
            row = session.scalars(select(OldTimeForm).order_by(OldTimeForm.table_name).limit(1)).first()
        if row is None:
            return
        this = OldTimeForm.table_name == row.table_name
        with rt.database.write() as session:
            following = rewrite_slice(session, metadata.tables[row.table_name], row.next_rowid, SLICE)
            if following is None:
                session.execute(delete(OldTimeForm).where(this), execution_options=NO_SYNC)
            else:
                session.execute(update(OldTimeForm).where(this).values(next_rowid=following), execution_options=NO_SYNC)
        if time.monotonic() >= deadline:
            return
