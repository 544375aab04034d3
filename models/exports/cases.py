"""Reads cases of agents as rows of cells, the newest first."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from models.campaigns.export import moment
from models.exports.cells import phone_cell
from models.tables.conversation import Case
from models.tables.number import Number

COLUMNS = (
    "id",
    "phone",
    "name",
    "status",
    "reason",
    "agent",
    "number",
    "opened_by",
    "opened_at",
    "closed_by",
    "closed_at",
)


def case_rows(
    session: Session, conditions: Sequence[ColumnElement[bool]], before: int | None, limit: int
) -> tuple[list[tuple[Any, ...]], int | None]:
    """A page of rows, and the id before which the next one begins; None if this is the last."""
    query = select(Case).where(*conditions).options(joinedload(Case.contact))
    query = query.where(Case.id < before) if before is not None else query
    cases = session.scalars(query.order_by(Case.id.desc()).limit(limit)).all()
    ids = {case.number_id for case in cases}
    numbers = {row.id: row.name for row in session.execute(select(Number.id, Number.name).where(Number.id.in_(ids)))}
    rows = [
        (
            case.id,
            phone_cell(case.contact),
            case.contact.name,
            case.status.value,
            case.reason,
            case.agent,
            numbers.get(case.number_id or 0),
            case.opened_by,
            moment(case.opened_at),
            case.closed_by,
            moment(case.closed_at),
        )
        for case in cases
    ]
    return rows, cases[-1].id if len(cases) == limit else None
