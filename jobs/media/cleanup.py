"""Removes files from the library, and deletes their contents a day later.

Three steps, each of which may be the last before the process dies: the row gives up its SHA-256, so that the same file can be added
again as a new row; the content is deleted; the row is deleted.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import DELETE_REMOVED_MEDIA
from jobs.media.library import find_media
from jobs.media.store import MediaStoreError, media_store
from jobs.media.thumbnails import forget_thumbnail
from jobs.media.usage import needed, uses_of
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.media import MediaFile, MediaHandle

log = logging.getLogger("hark.media")

KEEP = timedelta(days=1)
"""For how long a removed file can still be added again without its content, and a campaign that chose it at that moment has it."""
MOST = 200
_GIVEN_UP = "removed:"
_SHOWN_USES = 5


@retry_conflicts
def remove_media(rt: Runtime, reference: str, actor: str, now: datetime) -> MediaFile:
    """Take a file (id or SHA-256) out of the library. Raises OperatorError if there is none, or something still needs it."""
    with rt.database.write() as session:
        row = find_media(session, reference)
        places = [place for place in uses_of(session, [row.sha256]).get(row.sha256, []) if not place.is_over]
        if places:
            shown = ", ".join(map(str, places[:_SHOWN_USES]))
            more = f" and {len(places) - _SHOWN_USES} more" if len(places) > _SHOWN_USES else ""
            raise OperatorError(
                "media {media_id}: {name} is used by {places}; it can be removed once nothing uses it",
                media_id=row.id,
                name=row.name,
                places=f"{shown}{more}",
            )
        row.deleted_at = now
        record_audit(session, now, actor, AuditAction.DELETE, "media_file", row.id)
        return row


def wake_media_cleanup(rt: Runtime, now: datetime) -> bool:
    """Enqueue the clean-up if there is something to delete."""
    query = select(MediaFile.id).where(MediaFile.deleted_at < now - KEEP).limit(1)
    with rt.database.read() as session:
        is_due = session.scalar(query) is not None
    return is_due and DELETE_REMOVED_MEDIA.enqueue(rt.redis)


def delete_removed_media() -> None:
    """The job: deletes the contents of files that were removed a day ago. What the store refuses is tried again next time."""
    rt, now = runtime(), utcnow()
    DELETE_REMOVED_MEDIA.started(rt.redis)
    if may_take_irreversible_steps(rt):
        delete_contents(rt, now)


def delete_contents(rt: Runtime, now: datetime) -> int:
    """As `delete_removed_media`, for callers that have a runtime; returns how many files are gone."""
    count, store = 0, media_store(rt.settings)
    for media_id, storage_key in _give_up(rt, now):
        try:
            store.delete(storage_key)
        except MediaStoreError as error:
            log.warning("media %d is deleted later: %s", media_id, error)
            continue
        forget_thumbnail(rt.settings, storage_key)
        _delete_row(rt, media_id)
        count += 1
    if count:
        log.info("deleted %d media files", count)
    return count


@retry_conflicts
def _give_up(rt: Runtime, now: datetime) -> list[tuple[int, str]]:
    """Id and key of every row whose content may go; nobody can find it by its content any more."""
    with rt.database.write() as session:
        rows = session.scalars(
            select(MediaFile)
            .where(MediaFile.deleted_at < now - KEEP)
            .order_by(MediaFile.id)
            .limit(MOST)
            .with_for_update()
        ).all()
        still_needed = needed(session, [row.sha256 for row in rows])
        gone = [row for row in rows if row.sha256 not in still_needed]
        hashes = [row.sha256 for row in gone]
        session.execute(delete(MediaHandle).where(MediaHandle.sha256.in_(hashes)), execution_options=NO_SYNC)
        for row in gone:
            session.execute(
                update(MediaFile).where(MediaFile.id == row.id).values(sha256=f"{_GIVEN_UP}{row.id}"),
                execution_options=NO_SYNC,
            )
        return [(row.id, row.storage_key) for row in gone]


@retry_conflicts
def _delete_row(rt: Runtime, media_id: int) -> None:
    with rt.database.write() as session:
        session.execute(
            delete(MediaFile).where(MediaFile.id == media_id, MediaFile.sha256 == f"{_GIVEN_UP}{media_id}"),
            execution_options=NO_SYNC,
        )
