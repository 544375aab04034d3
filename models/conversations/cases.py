"""Opens and closes cases. While a contact's case is open an agent answers; once it is closed, campaigns and bots may write."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select, text, update
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
    clear_unread(session, contact_id)
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


def take_case(session: Session, contact_id: int, agent: str) -> int | None:
    """Assign the contact's open case to the agent and set it to ATTENDING; return its id.

    None if no case is open or one has an agent already: of two agents who take it at once, one gets it.
    """
    return _attend(session, contact_id, Case.agent.is_(None), agent=agent)


def attend_case(session: Session, contact_id: int, agent: str) -> int | None:
    """Set the contact's open case to ATTENDING with this agent, whoever had it; return its id. None if no case is open."""
    return _attend(session, contact_id, agent=agent)


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
