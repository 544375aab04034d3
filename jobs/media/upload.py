"""Uploads files of the library to Meta, once per number. A media id is valid for 30 days (docs/meta.md §6)."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from bot.meta.management import UPLOAD_TIMEOUT_SECONDS, GraphError
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import management_client
from jobs.media.store import MissingContentError, media_store
from models.db.dialect import NO_SYNC, database_now, insert_into
from models.tables.media import MediaFile, MediaHandle
from models.tables.number import Number

LIFE = timedelta(days=30)
MARGIN = timedelta(days=8)
"""A campaign sends for days: a file whose id would expire meanwhile is uploaded again."""
LEASE = timedelta(seconds=UPLOAD_TIMEOUT_SECONDS + 60)
"""Longer than an upload takes, whatever comes of it."""
_LOOK_SECONDS = 0.2


def upload_files(rt: Runtime, number: Number, hashes: Iterable[str], now: datetime) -> None:
    """Upload every file (SHA-256) that has no id at Meta for this number, or one that expires within `MARGIN`.

    Of several processes at once one uploads, the others wait for it. Raises MissingContentError if a file is gone, MediaStoreError
    if its content cannot be read now, GraphError if Meta refuses it or cannot be reached.
    """
    for sha256 in sorted(set(hashes)):
        _upload_once(rt, number, sha256, now)


def _upload_once(rt: Runtime, number: Number, sha256: str, now: datetime) -> None:
    deadline = time.monotonic() + LEASE.total_seconds()
    with rt.database.read() as session:
        row = session.scalars(select(MediaFile).where(MediaFile.sha256 == sha256)).first()
    if row is None:
        raise MissingContentError("media: the uploaded file is not there any more; upload it again")
    while not _is_valid(rt, number.id, sha256, now):
        if _claim(rt, number.id, sha256, now):
            _upload(rt, number, row, now)
            return
        if time.monotonic() >= deadline:
            raise GraphError("{name} is being uploaded already", name=row.name, is_transient=True)
        time.sleep(_LOOK_SECONDS)


def _upload(rt: Runtime, number: Number, row: MediaFile, now: datetime) -> None:
    media_id: str | None = None
    try:
        with media_store(rt.settings).fetch(row.storage_key) as file, management_client(rt, number) as graph:
            media_id = graph.upload_media(number.phone_number_id, row.name, row.mime_type, file)
    except MissingContentError as error:
        raise MissingContentError(
            "media: {name} cannot be read: {why}; upload it again", name=row.name, why=error
        ) from error
    finally:
        _record(rt, number.id, row.sha256, media_id, now)


def _is_valid(rt: Runtime, number_id: int, sha256: str, now: datetime) -> bool:
    query = select(MediaHandle.id).where(
        MediaHandle.number_id == number_id,
        MediaHandle.sha256 == sha256,
        MediaHandle.media_id.is_not(None),
        MediaHandle.expires_at > now + MARGIN,
    )
    with rt.database.read() as session:
        return session.scalar(query) is not None


@retry_conflicts
def _claim(rt: Runtime, number_id: int, sha256: str, now: datetime) -> bool:
    """Whether this process is the one that uploads. False if another does, or just did."""
    with rt.database.write() as session:
        session.execute(
            insert_into(session, MediaHandle)
            .values(number_id=number_id, sha256=sha256, created_at=now)
            .on_conflict_do_nothing(index_elements=["number_id", "sha256"])
        )
        moment = database_now(session)
        claimed = session.execute(
            update(MediaHandle)
            .where(
                MediaHandle.number_id == number_id,
                MediaHandle.sha256 == sha256,
                or_(MediaHandle.media_id.is_(None), MediaHandle.expires_at <= now + MARGIN),
                or_(MediaHandle.uploading_until.is_(None), MediaHandle.uploading_until <= moment),
            )
            .values(uploading_until=moment + LEASE)
            .returning(MediaHandle.id),
            execution_options=NO_SYNC,
        ).first()
        return claimed is not None


@retry_conflicts
def _record(rt: Runtime, number_id: int, sha256: str, media_id: str | None, now: datetime) -> None:
    """Write the id, None if there is none, and let others upload it. An id from before stays until it expires."""
    written = {"media_id": media_id, "uploaded_at": now, "expires_at": now + LIFE} if media_id else {}
    with rt.database.write() as session:
        session.execute(
            update(MediaHandle)
            .where(MediaHandle.number_id == number_id, MediaHandle.sha256 == sha256)
            .values(uploading_until=None, **written),
            execution_options=NO_SYNC,
        )
