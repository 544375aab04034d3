"""Makes one tag of two whose names differ by case alone. Earlier versions told such tags apart; no new ones come to be.

A merge changes who carries a tag, so it is refused while a campaign that names one of them, also through a segment, is scheduled or
being launched: nobody would look at its audience again. Campaigns whose audience is frozen are not concerned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.contacts.tag_key import tag_key
from models.contacts.tagging import not_deleted
from models.db.base import UtcDateTime
from models.db.bulk import among
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.segments.references import Reference, campaigns_to_launch, find_references, rename_references
from models.segments.rename_delete import group_name, mark_deleted
from models.tables.contact import Contact
from models.tables.contact_alias import AliasKind, MergedValue
from models.tables.tag import ContactTag, Tag


@dataclass(frozen=True, slots=True)
class DuplicateTags:
    """Tags whose names differ by case alone: id and name, the oldest first, with the number of contacts that carry each."""

    tags: Sequence[tuple[int, str, int]]


@dataclass(frozen=True, slots=True)
class TagMerge:
    """A merge that was made. `references`: what named the merged tag, as text. `is_done`: nothing is left for `purge_groups`."""

    kept: str
    merged: str
    references: str
    is_done: bool


def find_duplicates(session: Session) -> list[DuplicateTags]:
    """Return the tags that are to be merged, by name."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for tag_id, name in session.execute(select(Tag.id, Tag.name).where(not_deleted(Tag)).order_by(Tag.id)):
        groups.setdefault(tag_key(name), []).append((tag_id, name))
    duplicates = [groups[key] for key in sorted(groups) if len(groups[key]) > 1]
    ids = [tag_id for group in duplicates for tag_id, _ in group]
    query = select(ContactTag.tag_id, func.count()).where(among(session, ContactTag.tag_id, ids))
    counts = {row[0]: row[1] for row in session.execute(query.group_by(ContactTag.tag_id))} if ids else {}
    return [DuplicateTags([(tag_id, name, counts.get(tag_id, 0)) for tag_id, name in group]) for group in duplicates]


def check_merge(session: Session, kept_id: int, merged_id: int) -> tuple[str, str, Reference]:
    """Return the names of both, and what names the one that is merged. Both stay as they are until the transaction ends.

    Raises OperatorError if one does not exist, the names differ by more than case, or a campaign with one is scheduled or being
    launched.
    """
    names = {tag_id: group_name(session, "tag", tag_id, locked=True) for tag_id in sorted({kept_id, merged_id})}
    kept, merged = names[kept_id], names[merged_id]
    if kept_id == merged_id or tag_key(kept) != tag_key(merged):
        raise OperatorError("“{merged}” and “{kept}” are not one name in two spellings", merged=merged, kept=kept)
    if campaigns := campaigns_to_launch(session, [kept, merged]):
        raise OperatorError(
            "merging the tags “{merged}” and “{kept}” would change who gets {words}; cancel its schedule, or wait until it sends",
            words=campaigns,
            merged=merged,
            kept=kept,
        )
    return kept, merged, find_references(session, "tag", merged)


def contacts_to_copy(session: Session, kept_id: int, merged_id: int, limit: int | None = None) -> list[int]:
    """Return the contacts that carry the one tag and not the one that stays, or this one without the value of the other."""
    kept = aliased(ContactTag)
    is_kept = and_(kept.contact_id == ContactTag.contact_id, kept.tag_id == kept_id)
    lacks = or_(kept.contact_id.is_(None), and_(kept.value.is_(None), ContactTag.value.is_not(None)))
    query = select(ContactTag.contact_id).outerjoin(kept, is_kept).where(ContactTag.tag_id == merged_id, lacks)
    return sorted(session.scalars(query.limit(limit)))


def copy_members(session: Session, kept_id: int, merged_id: int, contact_ids: Sequence[int]) -> None:
    """Let those of the contacts who carry the one tag carry the one that stays too; a value that they have for this one stays.

    Raises OperatorError as `check_merge` does.
    """
    # The contacts first, in the order of an import, so that none of them is merged or redacted meanwhile.
    locked = select(Contact.id).where(among(session, Contact.id, contact_ids)).order_by(Contact.id).with_for_update()
    ids = session.scalars(locked).all()
    check_merge(session, kept_id, merged_id)
    kept, merged = aliased(ContactTag), aliased(ContactTag)
    is_merged = and_(among(session, merged.contact_id, ids), merged.tag_id == merged_id)
    is_held = exists().where(kept.contact_id == merged.contact_id, kept.tag_id == kept_id)
    rows = select(merged.contact_id, literal(kept_id), merged.value, merged.created_at).where(is_merged, ~is_held)
    session.execute(insert(ContactTag).from_select(["contact_id", "tag_id", "value", "created_at"], rows))
    value = select(merged.value).where(merged.contact_id == ContactTag.contact_id, merged.tag_id == merged_id)
    lacking = and_(among(session, ContactTag.contact_id, ids), ContactTag.tag_id == kept_id, ContactTag.value.is_(None))
    session.execute(update(ContactTag).where(lacking).values(value=value.scalar_subquery()), execution_options=NO_SYNC)


def finish_merge(session: Session, kept_id: int, merged_id: int, now: datetime) -> TagMerge | None:
    """Rename the references and delete the other tag; None if somebody carries it who does not carry the one that stays yet.

    Another value that somebody has for the other tag is kept among their former values.

    Raises OperatorError as `check_merge` does.
    """
    kept, merged, references = check_merge(session, kept_id, merged_id)
    if contacts_to_copy(session, kept_id, merged_id, 1):
        return None
    words = references.words
    _keep_other_values(session, kept_id, merged_id, merged, now)
    rename_references(session, references, "tag", merged, kept)
    return TagMerge(kept, merged, words, is_done=mark_deleted(session, Tag, merged_id))


def _keep_other_values(session: Session, kept_id: int, merged_id: int, merged_name: str, now: datetime) -> None:
    kept, merged = aliased(ContactTag), aliased(ContactTag)
    rows = (
        select(
            merged.contact_id,
            literal(AliasKind.TAG.value),
            literal(merged_name),
            merged.value,
            literal(now, UtcDateTime()),
        )
        .join(kept, and_(kept.contact_id == merged.contact_id, kept.tag_id == kept_id))
        .where(merged.tag_id == merged_id, merged.value != kept.value)
    )
    session.execute(insert(MergedValue).from_select(["contact_id", "kind", "name", "value", "created_at"], rows))
