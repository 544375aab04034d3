"""Stores the media library: the files that messages show, and their ids at Meta for each number."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, word
from models.tables.number import Number


class MediaKind(StrEnum):
    """What a file is, by its content. An animation (Meta's `GIF` header) is a video."""

    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


class MediaFile(Base):
    """A file of the library. Its content lies outside of the database, once, under `storage_key` (jobs.media.store).

    Nobody chooses a file that has `deleted_at`; its content goes a day later, unless something uses it then.
    """

    __tablename__ = "media_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    """Of the content, in hexadecimal: what campaigns and media handles refer to."""
    storage_key: Mapped[str] = mapped_column(String(120), unique=True)
    """Never used for another row, so that deleting the content of an old row cannot hit the file that was added again."""
    name: Mapped[str] = mapped_column(String(255))
    """A file name without folders; people see it under a document."""
    kind: Mapped[MediaKind] = mapped_column(word(MediaKind, "kind", grows=True))
    mime_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int]
    width: Mapped[int | None]
    """In pixels, as `height`; both NULL for documents, and where the content does not say so for certain."""
    height: Mapped[int | None]
    duration_seconds: Mapped[float | None]
    created_by: Mapped[str] = mapped_column(String(254))
    """The user's e-mail or `cli`; empty for files from before there was a library."""
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class MediaHandle(Base):
    """The id at Meta of a file of the library for one number, valid for 30 days (docs/meta.md §6)."""

    __tablename__ = "media_handle"
    __table_args__ = (Index("uq_media_handle_file", "number_id", "sha256", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"))
    sha256: Mapped[str] = mapped_column(ForeignKey("media_file.sha256"))
    media_id: Mapped[str | None] = mapped_column(String(128))
    uploading_until: Mapped[datetime | None]
    """Until when one process alone uploads it; it may have died, so a time that is over counts as none."""
    uploaded_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    number: Mapped[Number] = relationship()
