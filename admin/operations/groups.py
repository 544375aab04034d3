"""Tags, lists and segments by themselves: names, descriptions, ends; and who is put on a list one by one.

Many at once come by the imports; the tags of one person are in admin.operations.contacts.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from admin.operations.segments import read_name as read_long_name
from jobs.core.runtime import Runtime
from jobs.maintenance.purge import wake_purge
from models.clock import utcnow
from models.contacts.field_values import read_name, read_text
from models.contacts.resolve import find_contact
from models.contacts.tagging import add_members, read_list_name, remove_members
from models.errors import OperatorError
from models.segments.references import ReferenceKind
from models.segments.rename_delete import count_members, delete_group, group_name, rename_group
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Contact
from models.tables.tag import ContactList, Tag

MAX_CHARACTERS = 500
MAX_PEOPLE = 500
"""Put on a list at once by hand; of more, a file is made."""
BY_ID = "id:"
"""How the box of people names one that was picked; what is typed is a phone."""


def add_tag(rt: Runtime, name: str, description: str, actor: str) -> int:
    """A tag that nobody carries yet; its id. BadValue for what cannot be a name, Refused for a known one."""
    name, now = read_name(name, "a tag"), utcnow()
    text = read_text(description, MAX_CHARACTERS, "the description")
    with rt.database.write() as session:
        if session.scalar(select(Tag.id).where(Tag.name == name)) is not None:
            raise OperatorError("{name}: there is a tag of that name already", name=name)
        tag = Tag(name=name, description=text, created_at=now)
        session.add(tag)
        session.flush()
        record_audit(session, now, actor, AuditAction.ADD, "tag", tag.id, name=name)
        return tag.id


def describe_tag(rt: Runtime, tag_id: int, description: str, actor: str) -> None:
    """What a tag is for. BadValue where that is no text, or too long."""
    text = read_text(description, MAX_CHARACTERS, "the description")
    with rt.database.write() as session:
        tag = session.get(Tag, tag_id)
        if tag is None:
            raise OperatorError("tag {tag_id}: there is no such tag", tag_id=tag_id)
        tag.description = text
        record_audit(session, utcnow(), actor, AuditAction.DESCRIBE, "tag", tag_id)


def add_list(rt: Runtime, name: str, actor: str) -> int:
    """A list with nobody on it; its id. BadValue for what cannot be a name, Refused for a known one."""
    name, now = read_list_name(name), utcnow()
    try:
        with rt.database.write() as session:
            made = ContactList(name=name, created_at=now)
            session.add(made)
            session.flush()
            record_audit(session, now, actor, AuditAction.ADD, "list", made.id, name=name)
            return made.id
    except IntegrityError:
        raise OperatorError("there is a list “{name}” already", name=name) from None


def add_to_list(rt: Runtime, list_id: int, people: Iterable[str], actor: str) -> int:
    """Put people on it, each a phone or an id (`id:12`); how many were not on it. Refused, with nobody put on it, where one of
    them is nobody."""
    given, now = list(dict.fromkeys(people)), utcnow()
    if not given:
        raise OperatorError("choose somebody first")
    if len(given) > MAX_PEOPLE:
        raise OperatorError(
            "these are {count} people; at most {max_people} are put on it at once: bring a file",
            count=len(given),
            max_people=MAX_PEOPLE,
        )
    with rt.database.write() as session:
        group_name(session, "list", list_id, locked=True)
        ids = sorted({_contact_id(session, text, rt.settings.default_country) for text in given})
        # Locked, so that nobody of them is merged away or wiped meanwhile.
        there = select(Contact.id).where(
            Contact.id.in_(ids), Contact.merged_into_id.is_(None), Contact.redacted_at.is_(None)
        )
        gone = set(ids) - set(session.scalars(there.order_by(Contact.id).with_for_update()))
        if gone:
            raise OperatorError("contact {gone}: there is no such contact any more", gone=min(gone))
        added = add_members(session, list_id, ids, now)
        record_audit(session, now, actor, AuditAction.ADD_MEMBERS, "list", list_id, contacts=ids, added=added)
        return added


def remove_from_list(rt: Runtime, list_id: int, contact_id: int, actor: str) -> None:
    """Take a person off it. Refused for who is not on it."""
    with rt.database.write() as session:
        group_name(session, "list", list_id, locked=True)
        if not remove_members(session, list_id, [contact_id]):
            raise OperatorError("this person is not on the list any more")
        record_audit(session, utcnow(), actor, AuditAction.REMOVE_MEMBERS, "list", list_id, contact=contact_id)


def rename(rt: Runtime, kind: ReferenceKind, group_id: int, name: str, actor: str) -> None:
    """Another name, for the group and for all that names it. BadValue or Refused where that cannot be."""
    new = read_name(name, "a tag") if kind == "tag" else read_long_name(name)
    try:
        with rt.database.write() as session:
            old = rename_group(session, kind, group_id, new)
            if old != new:
                record_audit(session, utcnow(), actor, AuditAction.RENAME, kind, group_id, before=old, after=new)
    except IntegrityError:
        raise OperatorError("there is a {kind} “{new}” already", kind=kind, new=new) from None


def remove(rt: Runtime, kind: ReferenceKind, group_id: int, actor: str) -> None:
    """Delete a group that nothing names any more; of a large one the rest is taken away afterwards."""
    now = utcnow()
    with rt.database.write() as session:
        name, is_done = delete_group(session, kind, group_id)
        record_audit(session, now, actor, AuditAction.DELETE, kind, group_id, name=name)
    if not is_done:
        wake_purge(rt, now)


def describe_deletion(rt: Runtime, kind: ReferenceKind, group_id: int) -> tuple[str, int]:
    """The group's name, and how many people are in it; 0 for a segment, which holds nobody. Refused where there is none."""
    with rt.database.read() as session:
        name = group_name(session, kind, group_id)
        return name, 0 if kind == "segment" else count_members(session, kind, group_id)


def _contact_id(session: Session, text: str, default_country: str | None) -> int:
    number = text.removeprefix(BY_ID)
    if text.startswith(BY_ID) and number.isascii() and number.isdigit() and len(number) <= 18:
        return int(number)
    found = find_contact(session, text, default_country)
    if found is None:
        raise OperatorError("{text}: there is no contact with this phone", text=text[:40])
    return found.id
