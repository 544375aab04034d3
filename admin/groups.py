"""Tags by themselves: naming and describing them. Who carries them is in admin.contacts and the imports."""

from sqlalchemy import select

from jobs.runtime import Runtime
from models.attribute_values import read_name
from models.clock import utcnow
from models.refusal import Refused
from models.tag import Tag
from models.user import record_audit

MOST_CHARACTERS = 500


def add_tag(rt: Runtime, name: str, description: str, actor: str) -> int:
    """A tag that nobody carries yet; its id. BadValue for what cannot be a name, Refused for a known one."""
    name, now = read_name(name, "a tag"), utcnow()
    with rt.database.write() as session:
        if session.scalar(select(Tag.id).where(Tag.name == name)) is not None:
            raise Refused(f"{name}: there is a tag of that name already")
        tag = Tag(name=name, description=description.strip()[:MOST_CHARACTERS], created_at=now)
        session.add(tag)
        session.flush()
        record_audit(session, now, actor, "add", "tag", tag.id, name=name)
        return tag.id


def describe_tag(rt: Runtime, tag_id: int, description: str, actor: str) -> None:
    """What a tag is for."""
    with rt.database.write() as session:
        tag = session.get(Tag, tag_id)
        if tag is None:
            raise Refused(f"tag {tag_id}: there is no such tag")
        tag.description = description.strip()[:MOST_CHARACTERS]
        record_audit(session, utcnow(), actor, "describe", "tag", tag_id)
