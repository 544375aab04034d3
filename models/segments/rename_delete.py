"""Renaming tags, lists and segments, and deleting them: at once where few carry them, else in slices."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.tagging import DELETED_PREFIX, is_deleted_name
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.segments.references import Reference, ReferenceKind, find_references, rename_references
from models.tables.campaign import LIVE
from models.tables.segment import Segment
from models.tables.tag import SHOPIFY_TAG as SHOP_TAG
from models.tables.tag import ContactList, ContactTag, ListMember, Tag

TABLES: dict[ReferenceKind, type[Tag] | type[ContactList] | type[Segment]] = {
    "tag": Tag,
    "list": ContactList,
    "segment": Segment,
}
SLICE = 5000
"""Rows that are deleted in one transaction."""


def rename_group(session: Session, kind: ReferenceKind, group_id: int, new: str) -> str:
    """Give it another name, also where campaigns that have not ended and segments name it; the old one.

    Refused while a bot flow names it or a campaign with it is being launched. IntegrityError for a name that is taken.
    """
    name = group_name(session, kind, group_id, locked=True)
    naming = _naming(session, kind, name)
    if naming.flows:
        flows = Reference((), (), naming.flows).words
        raise OperatorError(
            "the {kind} “{name}” is named by {flows}; load what it says with the new name first",
            kind=kind,
            name=name,
            flows=flows,
        )
    launching = [it for it in naming.campaigns if it.status in LIVE and it.launched_at is None]
    if launching:
        raise OperatorError(
            "{words}: being prepared with the {kind} “{name}”; wait until it sends",
            words=Reference((), launching, ()).words,
            kind=kind,
            name=name,
        )
    table = TABLES[kind]
    session.execute(update(table).where(table.id == group_id).values(name=new), execution_options=NO_SYNC)
    rename_references(naming, kind, name, new)
    return name


def delete_group(session: Session, kind: ReferenceKind, group_id: int) -> tuple[str, bool]:
    """Its name, and whether it is gone already; else `purge_groups` takes the rest. Refused while something names it."""
    name = group_name(session, kind, group_id, locked=True)
    if words := _naming(session, kind, name).words:
        raise OperatorError(
            "the {kind} “{name}” is still used by {words}; take it out there first", kind=kind, name=name, words=words
        )
    if kind == "segment":
        session.execute(delete(Segment).where(Segment.id == group_id), execution_options=NO_SYNC)
        return name, True
    table = TABLES[kind]
    values = {"name": f"{DELETED_PREFIX}{group_id}"}
    session.execute(update(table).where(table.id == group_id).values(values), execution_options=NO_SYNC)
    return name, _take(session, Tag if kind == "tag" else ContactList, group_id, SLICE) < SLICE


def purge_groups(session: Session, now: datetime, limit: int = SLICE) -> int:  # noqa: ARG001 - the form of its like
    """Take away one slice of a deleted tag or list; how many rows that were."""
    for table in (Tag, ContactList):
        # Locked, so that whoever puts somebody in by its id comes before the last slice or finds it gone.
        eldest = (
            select(table.id).where(table.name.startswith(DELETED_PREFIX)).order_by(table.id).limit(1).with_for_update()
        )
        group_id = session.scalar(eldest)
        if group_id is not None:
            return _take(session, table, group_id, limit)
    return 0


def count_members(session: Session, kind: ReferenceKind, group_id: int) -> int:
    """How many carry the tag, or are on the list."""
    column = ContactTag.tag_id if kind == "tag" else ListMember.list_id
    return session.scalar(select(func.count()).where(column == group_id)) or 0


def group_name(session: Session, kind: ReferenceKind, group_id: int, *, locked: bool = False) -> str:
    """Refused where there is no such group, or it was deleted. `locked`: it is not renamed or deleted meanwhile."""
    table = TABLES[kind]
    query = select(table.name).where(table.id == group_id)
    name = session.scalar(query.with_for_update() if locked else query)
    if name is None or is_deleted_name(name):
        raise OperatorError("{kind} {group_id}: there is no such {kind}", kind=kind, group_id=group_id)
    return name


def _naming(session: Session, kind: ReferenceKind, name: str) -> Reference:
    if kind == "tag" and name == SHOP_TAG:
        raise OperatorError("the tag “{name}” is put on whoever comes from the shop; it stays", name=name)
    return find_references(session, kind, name)


def _take(session: Session, table: type[Tag] | type[ContactList], group_id: int, limit: int) -> int:
    """Delete at most `limit` of its rows, and itself with the last of them."""
    rows: Any = ContactTag if table is Tag else ListMember
    mine = rows.tag_id == group_id if table is Tag else rows.list_id == group_id
    some = select(rows.contact_id).where(mine).limit(limit)
    result: Any = session.execute(delete(rows).where(mine, rows.contact_id.in_(some)), execution_options=NO_SYNC)
    taken = int(result.rowcount)
    if taken < limit:
        session.execute(delete(table).where(table.id == group_id), execution_options=NO_SYNC)
    return taken
