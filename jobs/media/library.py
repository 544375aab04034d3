"""Adds files to the media library and finds them there. Content is stored once, and checked before it is (jobs.media.content).

A row stands hidden (`deleted_at`) before its content is stored, and is shown once it is: a process that dies in between leaves a
row that the clean-up deletes with whatever was stored (jobs.media.cleanup).
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePath

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.media.content import Content, inspect_file
from jobs.media.incoming import Incoming, TooLongError, take_in
from jobs.media.kinds import EXTENSIONS, GIF_BYTES, HEADER_KINDS, LIMITS, MAX_BYTES, MB, NOUNS
from jobs.media.store import media_store
from models.crypto import new_token
from models.db.dialect import insert_into
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.media import MediaFile
from models.text import Text

MAX_NAME = 200
UNNAMED = "file"
_ROUNDS = 3


def add_media(
    rt: Runtime, name: str, chunks: Iterable[bytes], actor: str, now: datetime, header_format: str | None = None
) -> MediaFile:
    """Add a file to the library; the same content again gives the file that is there, under its first name.

    `header_format`: a key of `HEADER_KINDS`, if it must fit such a header. Raises OperatorError if it is of a kind, form or size
    that Meta does not take, MediaStoreError if the store cannot be written, OSError if this machine's disk cannot.
    """
    shown_name = plain_name(name)
    try:
        with take_in(rt.settings, chunks, MAX_BYTES) as incoming:
            content = inspect_file(incoming.path, shown_name, header_format)
            for _ in range(_ROUNDS):
                if (added := _add(rt, shown_name, incoming, content, actor, now)) is not None:
                    return added
    except TooLongError:
        raise _too_long(shown_name, header_format) from None
    raise OperatorError("{name} was removed from the library meanwhile; add it again", name=shown_name)


def add_local_file(
    rt: Runtime, path: Path, actor: str, now: datetime, header_format: str | None = None, name: str | None = None
) -> MediaFile:
    """Add a file of this machine, as `add_media`. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        chunks = iter(lambda: file.read(MB), b"")
        return add_media(rt, name or path.name, chunks, actor, now, header_format)


def find_media(session: Session, reference: str) -> MediaFile:
    """The file of a library id or a SHA-256 in hexadecimal. Raises OperatorError if there is none, or it was removed."""
    is_id = reference.isascii() and reference.isdigit() and len(reference) <= 9
    query = select(MediaFile).where(MediaFile.deleted_at.is_(None))
    query = query.where(MediaFile.id == int(reference)) if is_id else query.where(MediaFile.sha256 == reference.lower())
    row = session.scalars(query).first()
    if row is None:
        raise OperatorError(
            "media {reference}: there is no such file in the library; flask media list shows them",
            reference=reference[:64],
        )
    return row


def files_for_header(header_format: str) -> Select[MediaFile]:
    """The query of the library's files that a header of this format takes (one of HEADER_KINDS)."""
    query = select(MediaFile).where(MediaFile.deleted_at.is_(None), MediaFile.kind == HEADER_KINDS[header_format])
    if header_format == "GIF":
        query = query.where(MediaFile.size_bytes <= GIF_BYTES, MediaFile.mime_type == "video/mp4")
    return query


def plain_name(name: str) -> str:
    """A file name without folders and without what cannot be printed; `file` if nothing is left."""
    last = PurePath(name.replace("\\", "/")).name
    printable = "".join(char for char in last if char.isprintable()).strip(" .")
    if len(printable) <= MAX_NAME:
        return printable or UNNAMED
    suffix = PurePath(printable).suffix[:20]
    return printable[: MAX_NAME - len(suffix)] + suffix


def _add(rt: Runtime, name: str, incoming: Incoming, content: Content, actor: str, now: datetime) -> MediaFile | None:
    """The file, with its content stored; None if its row was deleted meanwhile."""
    row = _claim_row(rt, name, incoming.sha256, content, actor, now)
    store = media_store(rt.settings)
    if not store.has(row.storage_key):
        store.put(row.storage_key, incoming.path)
    return row if row.deleted_at is None else _show_row(rt, row.storage_key, actor, now)


@retry_conflicts
def _claim_row(rt: Runtime, name: str, sha256: str, content: Content, actor: str, now: datetime) -> MediaFile:
    """The row of the content: the one that is there, kept from the clean-up for a day more, else a new hidden one."""
    values = {
        "sha256": sha256,
        "storage_key": f"{sha256}-{new_token(6)}{EXTENSIONS[content.mime_type][0]}",
        "name": name,
        "kind": content.kind,
        "mime_type": content.mime_type,
        "size_bytes": content.size_bytes,
        "width": content.width,
        "height": content.height,
        "duration_seconds": content.duration_seconds,
        "created_by": actor,
        "created_at": now,
        "deleted_at": now,
    }
    with rt.database.write() as session:
        session.execute(
            insert_into(session, MediaFile).values(**values).on_conflict_do_nothing(index_elements=["sha256"])
        )
        row = session.scalars(select(MediaFile).where(MediaFile.sha256 == sha256).with_for_update()).one()
        if row.deleted_at is not None:
            row.deleted_at = now
        return row


@retry_conflicts
def _show_row(rt: Runtime, storage_key: str, actor: str, now: datetime) -> MediaFile | None:
    with rt.database.write() as session:
        row = session.scalars(
            update(MediaFile)
            .where(MediaFile.storage_key == storage_key, MediaFile.deleted_at.is_not(None))
            .values(deleted_at=None)
            .returning(MediaFile)
        ).first()
        if row is not None:
            record_audit(session, now, actor, AuditAction.ADD, "media_file", row.id, size_bytes=row.size_bytes)
            return row
        # Somebody added the same file at the same moment and was quicker, or the clean-up was.
        return session.scalars(select(MediaFile).where(MediaFile.storage_key == storage_key)).first()


def _too_long(name: str, header_format: str | None) -> OperatorError:
    kind = HEADER_KINDS[header_format] if header_format else None
    noun = NOUNS[kind] if kind else Text("a file")
    limit = LIMITS[kind] if kind else MAX_BYTES
    return OperatorError(
        "{name} is {noun} of over {size} MB: at most {limit} MB",
        name=name,
        noun=noun,
        size=MAX_BYTES // MB,
        limit=limit // MB,
    )
