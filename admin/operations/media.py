"""Lists the media library as panel and commands show it: each file with where it is used."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.media.usage import Use, uses_of
from models.tables.media import MediaFile, MediaHandle, MediaKind
from models.tables.number import Number


@dataclass(frozen=True, slots=True)
class ListedMedia:
    """A file of the library, and the places that use it, the newest first."""

    file: MediaFile
    uses: list[Use]

    def to_json(self) -> dict[str, Any]:
        """The public form, as `flask media list --json` prints it."""
        row = self.file
        return {
            "id": row.id,
            "name": row.name,
            "kind": row.kind.value,
            "mime_type": row.mime_type,
            "size_bytes": row.size_bytes,
            "width": row.width,
            "height": row.height,
            "duration_seconds": row.duration_seconds,
            "sha256": row.sha256,
            "created_by": row.created_by,
            "created_at": row.created_at.isoformat(),
            "used_by": [
                {"what": use.what, "id": use.id, "name": use.name, "is_over": use.is_over} for use in self.uses
            ],
        }


def list_media(
    rt: Runtime, *, search: str = "", kind: MediaKind | None = None, before: int | None = None, limit: int = 200
) -> list[ListedMedia]:
    """Files of the library, the newest first, those with `search` in their name; `before`: an id to go on from."""
    query = select(MediaFile).where(MediaFile.deleted_at.is_(None)).order_by(MediaFile.id.desc()).limit(limit)
    if search:
        query = query.where(MediaFile.name.icontains(search, autoescape=True))
    if kind is not None:
        query = query.where(MediaFile.kind == kind)
    if before is not None:
        query = query.where(MediaFile.id < before)
    with rt.database.read() as session:
        return with_uses(session, list(session.scalars(query)))


def load_media(rt: Runtime, media_id: int) -> ListedMedia | None:
    """One file of the library; None if there is none."""
    with rt.database.read() as session:
        query = select(MediaFile).where(MediaFile.id == media_id, MediaFile.deleted_at.is_(None))
        listed = with_uses(session, list(session.scalars(query)))
    return listed[0] if listed else None


def with_uses(session: Session, rows: list[MediaFile]) -> list[ListedMedia]:
    """The rows with where each is used."""
    uses = uses_of(session, [row.sha256 for row in rows])
    return [ListedMedia(row, uses.get(row.sha256, [])) for row in rows]


def handles_of(rt: Runtime, sha256: str) -> list[tuple[str, datetime | None]]:
    """For which numbers a file is at Meta: name of the number, until when."""
    query = (
        select(Number.name, MediaHandle.expires_at)
        .join(MediaHandle, MediaHandle.number_id == Number.id)
        .where(MediaHandle.sha256 == sha256, MediaHandle.media_id.is_not(None))
        .order_by(Number.name)
    )
    with rt.database.read() as session:
        return [(name, expires_at) for name, expires_at in session.execute(query)]
