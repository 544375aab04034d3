"""Says where the panel serves the pictures of media files, for previews of messages."""

from collections.abc import Collection

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.preview.pictures import DrawnMedium
from models.tables.media import MediaFile, MediaKind


def media_pictures(session: Session, hashes: Collection[str]) -> dict[str, DrawnMedium]:
    """Files of the library as previews draw them, by SHA-256. Videos and documents have a name and no picture."""
    if not hashes:
        return {}
    rows = session.scalars(select(MediaFile).where(MediaFile.sha256.in_(hashes)))
    return {row.sha256: DrawnMedium(_address(row), row.name, row.size_bytes) for row in rows}


def _address(row: MediaFile) -> str:
    if row.kind is not MediaKind.IMAGE or row.deleted_at is not None:
        return ""
    return url_for("panel_media.thumbnail", media_id=row.id)
