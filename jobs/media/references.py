"""Resolves what a campaign says of a medium: what a message sends for it, and its content where Meta wants the bytes.

A medium is `{"sha256": …}` of the library, with `file` and `filename` as names, or `{"link": …}`, or `{"id": …}` at Meta; the same
under `media.header` of a campaign and of a carousel's card.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.media.library import find_media
from jobs.media.store import media_store
from models.errors import HarkError
from models.tables.media import MediaFile, MediaHandle
from models.templates.content import MessageContent


class MediaNotReadyError(HarkError):
    """A file of the library has no id at Meta for the number: it must be uploaded first (jobs.media.upload)."""


@dataclass(frozen=True, slots=True)
class OpenMedium:
    """A file of the library, opened at its beginning."""

    name: str
    mime_type: str
    size_bytes: int
    file: IO[bytes]


def media_hashes(*contents: Any) -> set[str]:
    """The SHA-256 of every file of the library that JSON names, however deep (`media` of a campaign, its cards)."""
    found: set[str] = set()
    for content in contents:
        if isinstance(content, Mapping):
            if isinstance(sha256 := content.get("sha256"), str):
                found.add(sha256)
            found |= media_hashes(*content.values())
        elif isinstance(content, list | tuple):
            found |= media_hashes(*content)
    return found


def resolve_medium(session: Session, number_id: int, medium: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a message of this number sends of a medium: `{"id"}` or `{"link"}`, with the `filename` that a document shows.

    Raises MediaNotReadyError if it is a file of the library that was not uploaded for the number, or so long ago that Meta does
    not have it any more.
    """
    sha256 = medium.get("sha256")
    if not sha256:
        return dict(medium)
    row = session.execute(
        select(MediaHandle.media_id, MediaFile.name)
        .join(MediaFile, MediaFile.sha256 == MediaHandle.sha256)
        .where(
            MediaHandle.number_id == number_id,
            MediaHandle.sha256 == sha256,
            MediaHandle.media_id.is_not(None),
            MediaHandle.expires_at > now,
        )
    ).first()
    if row is None:
        raise MediaNotReadyError(f"the file {sha256[:12]} has no id at Meta for number {number_id}")
    media_id, name = row
    return {"id": media_id, "filename": medium.get("filename") or name}


def resolve_content(session: Session, number_id: int, content: MessageContent, now: datetime) -> MessageContent:
    """The content with `resolve_medium` for each medium of the message and of its cards."""
    return content.with_media(lambda medium: resolve_medium(session, number_id, medium, now))


@contextmanager
def open_medium(rt: Runtime, reference: str) -> Iterator[OpenMedium]:
    """A file of the library by its id or SHA-256, opened: for Meta's resumable upload, which wants name, type, size and bytes.

    Raises OperatorError if there is none, MediaStoreError or MissingContentError if its content cannot be read.
    """
    with rt.database.read() as session:
        row = find_media(session, reference)
    with media_store(rt.settings).fetch(row.storage_key) as file:
        yield OpenMedium(row.name, row.mime_type, row.size_bytes, file)
