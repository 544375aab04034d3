"""Adds, renames, describes and deletes tags, lists and segments, and changes the members of a list one by one.

Many members at once come by the imports; the tags of one contact are in `admin.operations.contacts`.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from admin.operations.segments import read_name as read_long_name
from jobs.core.conflicts import retry_conflicts, retry_conflicts_again
from jobs.core.runtime import Runtime
from jobs.maintenance.purge import wake_purge
from models.clock import utcnow
from models.contacts.field_values import read_name, read_text
from models.contacts.lookup import require_contact_with_phone
from models.contacts.tag_names import find_tag_id, lock_tag_names
from models.contacts.tagging import add_members, read_list_name, remove_members
from models.errors import OperatorError
from models.segments.merge_tags import TagMerge, check_merge, contacts_to_copy, copy_members, finish_merge
from models.segments.references import ReferenceKind
from models.segments.rename_delete import SLICE, count_members, delete_group, group_name, rename_group
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Contact
from models.tables.tag import ContactList, Tag

MAX_CHARACTERS = 500
MAX_PEOPLE = 500
"""How many people can be added to a list at once by hand; for more there is the import."""
BY_ID = "id:"
"""Prefix of a contact that was picked in the panel; a text without it is a phone."""


@retry_conflicts
def add_tag(rt: Runtime, name: str, description: str, actor: str) -> int:
    """Add a tag that no contact has yet; returns its id.

    Raises FieldValueError if name or description is bad, and OperatorError if the name is taken.
    """
    name, now = read_name(name, "a tag"), utcnow()
    text = read_text(description, MAX_CHARACTERS, "the description")
    with rt.database.write() as session:
        lock_tag_names(session)
        if find_tag_id(session, name) is not None:
            raise OperatorError("{name}: there is a tag of that name already", name=name)
        tag = Tag(name=name, description=text, created_at=now)
        session.add(tag)
        session.flush()
        record_audit(session, now, actor, AuditAction.ADD, "tag", tag.id, name=name)
        return tag.id


def require_tag(rt: Runtime, name: str) -> int:
    """The id of the tag of that name, exactly so spelled if there is one. Raises OperatorError if there is none."""
    with rt.database.read() as session:
        tag_id = find_tag_id(session, name)
    if tag_id is None:
        raise OperatorError("{name}: there is no such tag", name=name)
    return tag_id


@retry_conflicts
def describe_tag(rt: Runtime, tag_id: int, description: str, actor: str) -> None:
    """Set the description of a tag. Raises FieldValueError if it is bad or too long, OperatorError if there is no such tag."""
    text = read_text(description, MAX_CHARACTERS, "the description")
    with rt.database.write() as session:
        tag = session.get(Tag, tag_id)
        if tag is None:
            raise OperatorError("tag {tag_id}: there is no such tag", tag_id=tag_id)
        tag.description = text
        record_audit(session, utcnow(), actor, AuditAction.DESCRIBE, "tag", tag_id)


@retry_conflicts
def add_list(rt: Runtime, name: str, actor: str) -> int:
    """Add an empty list; returns its id. Raises FieldValueError if the name is bad, OperatorError if it is taken."""
    name, now = read_list_name(name), utcnow()
    try:
        with rt.database.write() as session:
            contact_list = ContactList(name=name, created_at=now)
            session.add(contact_list)
            session.flush()
            record_audit(session, now, actor, AuditAction.ADD, "list", contact_list.id, name=name)
            return contact_list.id
    except IntegrityError:
        raise OperatorError("there is a list “{name}” already", name=name) from None


@retry_conflicts
def add_to_list(rt: Runtime, list_id: int, people: Iterable[str], actor: str) -> int:
    """Add people to a list, each a phone or `id:12`; returns how many were not on it.

    Raises OperatorError if there is no such list, none or more than `MAX_PEOPLE` are given, or one of them is no contact: then
    nobody was added. Raises NotAPhoneError if a text is no phone.
    """
    references, now = list(dict.fromkeys(people)), utcnow()
    if not references:
        raise OperatorError("choose somebody first")
    if len(references) > MAX_PEOPLE:
        raise OperatorError(
            "these are {count} people; at most {max_people} are put on it at once: bring a file",
            count=len(references),
            max_people=MAX_PEOPLE,
        )
    with rt.database.write() as session:
        group_name(session, "list", list_id, locked=True)
        ids = sorted({_contact_id(session, text, rt.settings.default_country) for text in references})
        # Locked, so that none of them is merged or redacted meanwhile.
        existing = select(Contact.id).where(
            Contact.id.in_(ids), Contact.merged_into_id.is_(None), Contact.redacted_at.is_(None)
        )
        missing_ids = set(ids) - set(session.scalars(existing.order_by(Contact.id).with_for_update()))
        if missing_ids:
            raise OperatorError("contact {gone}: there is no such contact any more", gone=min(missing_ids))
        added = add_members(session, list_id, ids, now)
        record_audit(session, now, actor, AuditAction.ADD_MEMBERS, "list", list_id, contacts=ids, added=added)
        return added


@retry_conflicts
def remove_from_list(rt: Runtime, list_id: int, contact_id: int, actor: str) -> None:
    """Remove a contact from a list. Raises OperatorError if there is no such list or the contact is not on it."""
    with rt.database.write() as session:
        group_name(session, "list", list_id, locked=True)
        if not remove_members(session, list_id, [contact_id]):
            raise OperatorError("this person is not on the list any more")
        record_audit(session, utcnow(), actor, AuditAction.REMOVE_MEMBERS, "list", list_id, contact=contact_id)


@retry_conflicts
def rename(rt: Runtime, kind: ReferenceKind, group_id: int, name: str, actor: str) -> None:
    """Rename a group, and every reference to it in campaigns, rules and flows.

    Raises FieldValueError if a tag's name is bad, and OperatorError if the name is bad or taken or there is no such group.
    """
    new_name = read_name(name, "a tag") if kind == "tag" else read_long_name(name)
    try:
        with rt.database.write() as session:
            old_name = rename_group(session, kind, group_id, new_name)
            if old_name != new_name:
                record_audit(
                    session, utcnow(), actor, AuditAction.RENAME, kind, group_id, before=old_name, after=new_name
                )
    except IntegrityError:
        raise OperatorError("there is a {kind} “{new}” already", kind=kind, new=new_name) from None


@retry_conflicts
def remove(rt: Runtime, kind: ReferenceKind, group_id: int, actor: str) -> None:
    """Delete a group. The members of a large one are removed afterwards by the purge.

    Raises OperatorError if there is no such group, or a campaign, segment or flow refers to it.
    """
    now = utcnow()
    with rt.database.write() as session:
        name, is_done = delete_group(session, kind, group_id)
        record_audit(session, now, actor, AuditAction.DELETE, kind, group_id, name=name)
    if not is_done:
        wake_purge(rt, now)


@retry_conflicts_again
def merge_tag(rt: Runtime, kept_id: int, merged_id: int, actor: str) -> TagMerge:
    """Make one tag of two whose names differ by case alone; in slices, so that nobody waits for long. It may be asked for again.

    Raises OperatorError if they do not, there is no such tag, or a campaign is scheduled or being launched with one of them.
    """
    now = utcnow()
    with rt.database.write() as session:
        check_merge(session, kept_id, merged_id)
    while True:
        with rt.database.read() as session:
            ids = contacts_to_copy(session, kept_id, merged_id)
        for start in range(0, len(ids), SLICE):
            with rt.database.write() as session:
                copy_members(session, kept_id, merged_id, ids[start : start + SLICE])
        with rt.database.write() as session:
            done = finish_merge(session, kept_id, merged_id, now)
            if done is not None:
                record_audit(session, now, actor, AuditAction.MERGE, "tag", kept_id, name=done.kept, merged=done.merged)
        if done is not None:
            if not done.is_done:
                wake_purge(rt, now)
            return done


@retry_conflicts
def describe_merge(rt: Runtime, kept_id: int, merged_id: int) -> tuple[str, str, str]:
    """The names of the tag that stays and of the other one, and what names the other one, as text; refuses as `merge_tag` does."""
    with rt.database.write() as session:
        kept, merged, references = check_merge(session, kept_id, merged_id)
        return kept, merged, references.words


def describe_deletion(rt: Runtime, kind: ReferenceKind, group_id: int) -> tuple[str, int]:
    """The group's name and its number of members (0 for a segment). Raises OperatorError if there is no such group."""
    with rt.database.read() as session:
        name = group_name(session, kind, group_id)
        return name, 0 if kind == "segment" else count_members(session, kind, group_id)


def _contact_id(session: Session, text: str, default_country: str | None) -> int:
    number = text.removeprefix(BY_ID)
    if text.startswith(BY_ID) and number.isascii() and number.isdigit() and len(number) <= 18:
        return int(number)
    return require_contact_with_phone(session, text, default_country).id
