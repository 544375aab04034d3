"""Finds tags by their names, whatever the case."""

from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.contacts.tag_key import tag_key
from models.db.bulk import among
from models.db.dialect import is_sqlite
from models.db.folding import Fold
from models.folding import fold_letters
from models.tables.tag import Tag

NAMES_LOCK = 4_871_224
"""The advisory lock that whoever adds tags holds on PostgreSQL: no unique index sees that two names differ by case alone."""


def find_tag_ids(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Return name → id for the names that a tag has. Of several tags that differ by case the exact one counts, else the oldest."""
    wanted = {name: name.strip() for name in names}
    exact = select(Tag.name, Tag.id).where(among(session, Tag.name, set(wanted.values())))
    ids = {row.name: row.id for row in session.execute(exact)} if wanted else {}
    missing = {name for name in wanted.values() if name not in ids}
    if missing:
        folded = select(Tag.name, Tag.id).where(Fold(Tag.name).in_(sorted(map(fold_letters, missing))))
        oldest: dict[str, int] = {}
        for row in session.execute(folded.order_by(Tag.id)):
            oldest.setdefault(tag_key(row.name), row.id)
        ids |= {name: oldest[tag_key(name)] for name in missing if tag_key(name) in oldest}
    return {name: ids[trimmed] for name, trimmed in wanted.items() if trimmed in ids}


def find_tag_id(session: Session, name: str) -> int | None:
    """The id of the tag of that name; None if there is none."""
    return find_tag_ids(session, [name]).get(name)


def lock_tag_names(session: Session) -> None:
    """Let one transaction at a time add tags, until it ends. SQLite has one writer anyway."""
    if not is_sqlite(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": NAMES_LOCK})
