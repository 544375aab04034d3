"""Renames and deletes tags, lists and segments; those with many members are deleted in slices."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.tag_key import tag_key
from models.contacts.tag_names import find_tag_id, lock_tag_names
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


def rename_group(session: Session, kind: ReferenceKind, group_id: int, new_name: str) -> str:
    """Rename a tag, list or segment and its references in segments and campaigns that have not ended; return the old name.

    Raises OperatorError if it does not exist, a bot flow refers to it, or a campaign that does is being launched;
    sqlalchemy.exc.IntegrityError if the new name is taken.
    """
    name = group_name(session, kind, group_id, locked=True)
    references = _references(session, kind, name)
    if references.flows:
        flows = Reference((), (), references.flows).words
        raise OperatorError(
            "the {kind} “{name}” is named by {flows}; load what it says with the new name first",
            kind=kind,
            name=name,
            flows=flows,
        )
    launching = [it for it in references.campaigns if it.status in LIVE and it.launched_at is None]
    if launching:
        raise OperatorError(
            "{words}: being prepared with the {kind} “{name}”; wait until it sends",
            words=Reference((), launching, ()).words,
            kind=kind,
            name=name,
        )
    if kind == "tag":
        lock_tag_names(session)
        taken = session.get(Tag, find_tag_id(session, new_name) or 0)
        if taken is not None and taken.id != group_id and taken.name != new_name:
            raise OperatorError("there is a {kind} “{new}” already", kind=kind, new=taken.name)
    table = TABLES[kind]
    session.execute(update(table).where(table.id == group_id).values(name=new_name), execution_options=NO_SYNC)
    rename_references(session, references, kind, name, new_name)
    return name


def delete_group(session: Session, kind: ReferenceKind, group_id: int) -> tuple[str, bool]:
    """Delete a tag, list or segment. Return its name and whether it is deleted completely; if not, `purge_groups` deletes the rest.

    Raises OperatorError if it does not exist or something refers to it.
    """
    name = group_name(session, kind, group_id, locked=True)
    if reference_text := _references(session, kind, name).words:
        raise OperatorError(
            "the {kind} “{name}” is still used by {words}; take it out there first",
            kind=kind,
            name=name,
            words=reference_text,
        )
    if kind == "segment":
        session.execute(delete(Segment).where(Segment.id == group_id), execution_options=NO_SYNC)
        return name, True
    return name, mark_deleted(session, Tag if kind == "tag" else ContactList, group_id)


def mark_deleted(session: Session, table: type[Tag] | type[ContactList], group_id: int) -> bool:
    """Take a tag or list off all pages and delete the first slice of its members. Return whether it is deleted completely; if not,
    `purge_groups` deletes the rest.
    """
    values = {"name": f"{DELETED_PREFIX}{group_id}"}
    session.execute(update(table).where(table.id == group_id).values(values), execution_options=NO_SYNC)
    return _delete_members(session, table, group_id, SLICE) < SLICE


def purge_groups(session: Session, now: datetime, limit: int = SLICE) -> int:  # noqa: ARG001 - the signature of all purges
    """Delete one slice of a tag or list that is marked for deletion. Return the number of rows."""
    for table in (Tag, ContactList):
        # Locked, so that a process that adds a member by its id does so before the last slice, or finds it deleted.
        oldest = (
            select(table.id).where(table.name.startswith(DELETED_PREFIX)).order_by(table.id).limit(1).with_for_update()
        )
        group_id = session.scalar(oldest)
        if group_id is not None:
            return _delete_members(session, table, group_id, limit)
    return 0


def count_members(session: Session, kind: ReferenceKind, group_id: int) -> int:
    """Return how many contacts have the tag or are on the list."""
    column = ContactTag.tag_id if kind == "tag" else ListMember.list_id
    return session.scalar(select(func.count()).where(column == group_id)) or 0


def group_name(session: Session, kind: ReferenceKind, group_id: int, *, locked: bool = False) -> str:
    """Return the name of a tag, list or segment. `locked`: no other process renames or deletes it until the transaction ends.

    Raises OperatorError if there is none, or it was deleted.
    """
    table = TABLES[kind]
    query = select(table.name).where(table.id == group_id)
    name = session.scalar(query.with_for_update() if locked else query)
    if name is None or is_deleted_name(name):
        raise OperatorError("{kind} {group_id}: there is no such {kind}", kind=kind, group_id=group_id)
    return name


def _references(session: Session, kind: ReferenceKind, name: str) -> Reference:
    if kind == "tag" and tag_key(name) == SHOP_TAG:
        raise OperatorError("the tag “{name}” is put on whoever comes from the shop; it stays", name=name)
    return find_references(session, kind, name)


def _delete_members(session: Session, table: type[Tag] | type[ContactList], group_id: int, limit: int) -> int:
    """Delete at most `limit` members, and the tag or list itself with the last of them. Return the number of members."""
    rows: Any = ContactTag if table is Tag else ListMember
    of_group = rows.tag_id == group_id if table is Tag else rows.list_id == group_id
    contact_ids = select(rows.contact_id).where(of_group).limit(limit)
    result: Any = session.execute(
        delete(rows).where(of_group, rows.contact_id.in_(contact_ids)), execution_options=NO_SYNC
    )
    deleted = int(result.rowcount)
    if deleted < limit:
        session.execute(delete(table).where(table.id == group_id), execution_options=NO_SYNC)
    return deleted
