"""Opens and closes cases. While a contact's case is open an agent answers; once it is closed, campaigns and bots may write."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.orm import Session

from models.conversations.flow_sessions import end_live_sessions
from models.conversations.unread import clear_unread
from models.db.bulk import values_cte
from models.db.dialect import insert_into, literal_word
from models.tables.conversation import Case, CaseStatus


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
    """Open a case, at most one per contact, end the contact's bot sessions, and mark as read what they wrote.

    With an `agent` its status is ATTENDING, else WAITING. A case that is open already stays as it is.
    """
    while True:
        case_id = _insert_case(session, contact_id, now, opened_by, reason, number_id, agent)
        if case_id is not None:
            end_live_sessions(session, contact_id, "case", now)
            clear_unread(session, contact_id)
            return OpenedCase(case_id, True)
        # Locked: the caller may go on with the case that somebody else opened. They may also have closed it since the insert.
        open_id = session.scalar(
            select(Case.id).where(Case.contact_id == contact_id, Case.closed_at.is_(None)).with_for_update()
        )
        if open_id is not None:
            return OpenedCase(open_id, False)


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


def attend_case(
    session: Session, contact_id: int, agent: str, *, if_held_by: Iterable[str | None] | None = None
) -> int | None:
    """Set the contact's open case to ATTENDING with this agent; return its id.

    With `if_held_by` only while one of these has it (None: nobody), else whoever had it. None if no case is open or another has it.
    """
    if if_held_by is None:
        return _attend(session, contact_id, agent=agent)
    holders = set(if_held_by)
    is_held_so: ColumnElement[bool] = Case.agent.in_(sorted(holder for holder in holders if holder is not None))
    if None in holders:
        is_held_so = or_(Case.agent.is_(None), is_held_so)
    return _attend(session, contact_id, is_held_so, agent=agent)


def keep_attended(session: Session, contact_id: int, agent: str) -> None:
    """Set the contact's open case to ATTENDING; it keeps its agent, and gets this one if it has none."""
    session.execute(
        update(Case)
        .where(Case.contact_id == contact_id, Case.closed_at.is_(None))
        .values(status=CaseStatus.ATTENDING, agent=func.coalesce(Case.agent, agent))
        .execution_options(synchronize_session=False)
    )


def case_holder(session: Session, contact_id: int) -> str | None:
    """The agent of the contact's open case; None if no case is open or nobody has it."""
    return session.scalar(select(Case.agent).where(Case.contact_id == contact_id, Case.closed_at.is_(None)))


def await_agents(session: Session, contact_ids: Iterable[int]) -> None:
    """Set the open cases of these contacts to WAITING, since they wrote; each keeps its agent. One statement for all."""
    rows = [(contact_id,) for contact_id in sorted(set(contact_ids))]
    if not rows:
        return
    values, parameters = values_cte(session, "v", {"contact_id": "bigint"}, rows)
    statement = (
        f"WITH {values} UPDATE \"case\" AS c SET status = '{CaseStatus.WAITING}' FROM v "  # noqa: S608 - no value is in the text
        f"WHERE c.contact_id = v.contact_id AND c.closed_at IS NULL AND c.status <> '{CaseStatus.WAITING}'"
    )
    session.execute(text(statement), parameters)


def count_waiting(session: Session) -> int:
    """How many people have an open case in which they wait for an agent."""
    query = select(func.count()).where(Case.closed_at.is_(None), Case.status == literal_word(CaseStatus.WAITING))
    return session.scalar(query) or 0


def open_cases(session: Session, contact_ids: Iterable[int]) -> dict[int, int]:
    """The id of the open case by contact id. A contact without an open case is absent."""
    rows = session.execute(
        select(Case.contact_id, Case.id).where(Case.contact_id.in_(list(contact_ids)), Case.closed_at.is_(None))
    )
    return {row.contact_id: row.id for row in rows}


def _insert_case(
    session: Session,
    contact_id: int,
    now: datetime,
    opened_by: str,
    reason: str,
    number_id: int | None,
    agent: str | None,
) -> int | None:
    """The id of the new case; None if the contact has an open one, also one that another transaction has just opened."""
    case_id: int | None = session.execute(
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
    return case_id


def _attend(session: Session, contact_id: int, *which: ColumnElement[bool], agent: str) -> int | None:
    case_id = session.execute(
        update(Case)
        .where(Case.contact_id == contact_id, Case.closed_at.is_(None), *which)
        .values(status=CaseStatus.ATTENDING, agent=agent)
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if case_id is not None:
        clear_unread(session, contact_id)
    return case_id
