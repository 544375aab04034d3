"""Cases: opening one puts a contact into an agent's hands, closing it frees them for campaigns and bots."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.conversations.flow_sessions import end_live_sessions
from models.db.dialect import insert_into
from models.tables.conversation import Case, CaseStatus

OPEN_STATUSES = (CaseStatus.WAITING, CaseStatus.ATTENDING, CaseStatus.IDLE)


class OpenedCase(NamedTuple):
    """The contact's open case; `is_new` is False where one was open already."""

    id: int
    is_new: bool


def open_case(
    session: Session,
    contact_id: int,
    now: datetime,
    *,
    opened_by: str,
    reason: str = "",
    number_id: int | None = None,
    agent: str | None = None,
) -> OpenedCase:
    """Open a case, at most one per contact, and end what a bot was doing with them. With an `agent` it is attended."""
    added = session.execute(
        insert_into(session, Case)
        .values(
            contact_id=contact_id,
            number_id=number_id,
            status=CaseStatus.ATTENDING if agent else CaseStatus.WAITING,
            reason=reason[:300],
            opened_by=opened_by,
            agent=agent,
            opened_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Case.contact_id], index_where=Case.closed_at.is_(None))
        .returning(Case.id)
    ).scalar()
    if added is None:
        return OpenedCase(open_cases(session, [contact_id])[contact_id], False)
    end_live_sessions(session, contact_id, "case", now)
    return OpenedCase(added, True)


def close_case(session: Session, contact_id: int, now: datetime, *, closed_by: str) -> bool:
    """Close the contact's open case; False where none is open."""
    closed = session.execute(
        update(Case)
        .where(Case.contact_id == contact_id, Case.closed_at.is_(None))
        .values(status=CaseStatus.RESOLVED, closed_at=now, closed_by=closed_by)
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    return closed.first() is not None


def set_case_status(session: Session, case_id: int, status: CaseStatus, *, agent: str | None = None) -> bool:
    """Move an open case between waiting, attending and idle, and to another agent. False where it is closed."""
    if status not in OPEN_STATUSES:
        raise ValueError(f"a case is closed by closing it, not by the status {status}")
    values = {"status": status} | ({"agent": agent} if agent is not None else {})
    moved = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.closed_at.is_(None))
        .values(**values)
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None


def open_cases(session: Session, contact_ids: Iterable[int]) -> dict[int, int]:
    """The open case's id by contact, for those who have one."""
    rows = session.execute(
        select(Case.contact_id, Case.id).where(Case.contact_id.in_(list(contact_ids)), Case.closed_at.is_(None))
    )
    return {row.contact_id: row.id for row in rows}
