"""Opens and closes cases. While a contact's case is open an agent answers; once it is closed, campaigns and bots may write."""

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
    """Open a case, at most one per contact, and end the contact's bot sessions.

    With an `agent` its status is ATTENDING, else WAITING. A case that is open already stays as it is.
    """
    case_id = session.execute(
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
    if case_id is None:
        return OpenedCase(open_cases(session, [contact_id])[contact_id], False)
    end_live_sessions(session, contact_id, "case", now)
    return OpenedCase(case_id, True)


def close_case(session: Session, contact_id: int, now: datetime, *, closed_by: str) -> bool:
    """Close the contact's open case. False if none is open."""
    closed_ids = session.execute(
        update(Case)
        .where(Case.contact_id == contact_id, Case.closed_at.is_(None))
        .values(status=CaseStatus.RESOLVED, closed_at=now, closed_by=closed_by)
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    return closed_ids.first() is not None


def set_case_status(session: Session, case_id: int, status: CaseStatus, *, agent: str | None = None) -> bool:
    """Set an open case's status and, if given, its agent. False if the case is closed.

    Raises ValueError if `status` is not one of OPEN_STATUSES: `close_case` closes a case.
    """
    if status not in OPEN_STATUSES:
        raise ValueError(f"a case is closed by closing it, not by the status {status}")
    values = {"status": status} | ({"agent": agent} if agent is not None else {})
    updated_ids = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.closed_at.is_(None))
        .values(**values)
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    return updated_ids.first() is not None


def open_cases(session: Session, contact_ids: Iterable[int]) -> dict[int, int]:
    """The id of the open case by contact id. A contact without an open case is absent."""
    rows = session.execute(
        select(Case.contact_id, Case.id).where(Case.contact_id.in_(list(contact_ids)), Case.closed_at.is_(None))
    )
    return {row.contact_id: row.id for row in rows}
