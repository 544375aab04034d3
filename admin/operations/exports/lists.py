"""The lists besides campaigns that can be taken out: contacts, a segment, cases, orders."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from admin.operations.exports.table import Cells, ExportTable
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.exports import cases, contacts, orders
from models.tables.segment import Segment

PAGE = 1000
ReadPage = Callable[[Session, int | None, int], tuple[Sequence[Cells], int | None]]
"""(session, where the page before ended, rows of a page) → (rows, where this one ended; None at the end)"""


def contacts_table(rt: Runtime, search: Mapping[str, Any]) -> ExportTable:
    """The contacts of a search (the arguments of `models.contacts.search.search_contacts`)."""
    with rt.database.read() as session:
        attributes = contacts.attribute_columns(session)

    def read_page(session: Session, after: int | None, limit: int) -> tuple[Sequence[Cells], int | None]:
        page = contacts.contact_rows(session, attributes, search, after, limit)
        return page.rows, page.next_after

    list_id = search.get("list_id")
    kind, object_id = ("list", list_id) if list_id else ("contacts", "")
    return ExportTable(kind, object_id, (*contacts.COLUMNS, *attributes), lambda: _rows(rt, read_page))


def segment_table(rt: Runtime, segment_id: int) -> ExportTable:
    """The contacts that match a segment now. Raises OperatorError if there is no such segment."""
    now = utcnow()
    with rt.database.read() as session:
        if session.get(Segment, segment_id) is None:
            raise OperatorError("segment {segment_id}: there is no such segment", segment_id=segment_id)
        attributes = contacts.attribute_columns(session)

    def read_page(session: Session, after: int | None, limit: int) -> tuple[Sequence[Cells], int | None]:
        page = contacts.segment_rows(session, attributes, segment_id, now, after, limit)
        return page.rows, page.next_after

    return ExportTable("segment", segment_id, (*contacts.COLUMNS, *attributes), lambda: _rows(rt, read_page))


def cases_table(rt: Runtime, conditions: Sequence[ColumnElement[bool]] = ()) -> ExportTable:
    """Cases, also closed ones unless the conditions say otherwise."""
    return ExportTable(
        "cases",
        "",
        cases.COLUMNS,
        lambda: _rows(rt, lambda session, before, limit: cases.case_rows(session, conditions, before, limit)),
    )


def orders_table(rt: Runtime) -> ExportTable:
    """Every order."""
    return ExportTable("orders", "", orders.COLUMNS, lambda: _rows(rt, orders.order_rows))


def _rows(rt: Runtime, read_page: ReadPage) -> Iterator[Cells]:
    after: int | None = None
    while True:
        with rt.database.read() as session:
            rows, after = read_page(session, after, PAGE)
        yield from rows
        if after is None:
            return
