"""Tags, lists and segments by themselves: names, descriptions, ends. Who is in them is in admin.contacts and the imports."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from admin.segments import read_name as read_long_name
from jobs.purge import wake_purge
from jobs.runtime import Runtime
from models.attribute_values import read_name, read_text
from models.clock import utcnow
from models.group_names import Kind
from models.groups import delete_group, group_name, people_in, rename_group
from models.refusal import Refused
from models.tag import Tag
from models.user import record_audit

MOST_CHARACTERS = 500


def add_tag(rt: Runtime, name: str, description: str, actor: str) -> int:
    """A tag that nobody carries yet; its id. BadValue for what cannot be a name, Refused for a known one."""
    name, now = read_name(name, "a tag"), utcnow()
    text = read_text(description, MOST_CHARACTERS, "the description")
    with rt.database.write() as session:
        if session.scalar(select(Tag.id).where(Tag.name == name)) is not None:
            raise Refused(f"{name}: there is a tag of that name already")
        tag = Tag(name=name, description=text, created_at=now)
        session.add(tag)
        session.flush()
        record_audit(session, now, actor, "add", "tag", tag.id, name=name)
        return tag.id


def describe_tag(rt: Runtime, tag_id: int, description: str, actor: str) -> None:
    """What a tag is for. BadValue where that is no text, or too long."""
    text = read_text(description, MOST_CHARACTERS, "the description")
    with rt.database.write() as session:
        tag = session.get(Tag, tag_id)
        if tag is None:
            raise Refused(f"tag {tag_id}: there is no such tag")
        tag.description = text
        record_audit(session, utcnow(), actor, "describe", "tag", tag_id)


def rename(rt: Runtime, kind: Kind, group_id: int, name: str, actor: str) -> None:
    """Another name, for the group and for all that names it. BadValue or Refused where that cannot be."""
    new = read_name(name, "a tag") if kind == "tag" else read_long_name(name)
    try:
        with rt.database.write() as session:
            old = rename_group(session, kind, group_id, new)
            if old != new:
                record_audit(session, utcnow(), actor, "rename", kind, group_id, before=old, after=new)
    except IntegrityError:
        raise Refused(f"there is a {kind} “{new}” already") from None


def remove(rt: Runtime, kind: Kind, group_id: int, actor: str) -> None:
    """Delete a group that nothing names any more; of a large one the rest is taken away afterwards."""
    now = utcnow()
    with rt.database.write() as session:
        name, is_done = delete_group(session, kind, group_id)
        record_audit(session, now, actor, "delete", kind, group_id, name=name)
    if not is_done:
        wake_purge(rt, now)


def what_goes(rt: Runtime, kind: Kind, group_id: int) -> tuple[str, int]:
    """The group's name, and how many people are in it; 0 for a segment, which holds nobody. Refused where there is none."""
    with rt.database.read() as session:
        name = group_name(session, kind, group_id)
        return name, 0 if kind == "segment" else people_in(session, kind, group_id)
