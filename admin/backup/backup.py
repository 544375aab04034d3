"""Makes a backup of a running installation: its database as of one moment, then its media."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from admin.backup.archive import ArchiveWriter, Manifest, write_archive
from admin.backup.keys import write_keys
from admin.backup.postgres_copy import copy_postgres
from admin.backup.sqlite_copy import copy_sqlite
from jobs.core.runtime import Runtime
from jobs.media.store import MissingContentError, media_store
from models.db.migrate import current_revision
from models.errors import OperatorError
from models.sending.epoch import read_epoch
from models.tables.setting import read_setting


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written: `size` is in bytes."""

    path: Path
    size: int
    media_files: int


def make_backup(rt: Runtime, path: Path, keys_path: Path | None, now: datetime) -> Backup:
    """Write database and media to `path`, and the keys to `keys_path` alone. Hark goes on meanwhile.

    Raises OperatorError if the database has no schema, is malformed, media cannot be read, or a file cannot be written.
    """
    revision = current_revision(rt.database)
    if revision is None:
        raise OperatorError("the database is empty: there is nothing to keep")
    if keys_path is not None and keys_path.absolute() == path.absolute():
        raise OperatorError("the keys belong into a file of their own")
    installation = rt.installation
    with rt.database.read() as session:
        manifest = Manifest(
            kind="sqlite" if rt.database.is_sqlite else "postgresql",
            revision=revision,
            installation=installation,
            encryption_fingerprint=str(read_setting(session, "encryption_fingerprint")),
            epoch=read_epoch(session),
            made_at=now.isoformat(),
        )
    try:
        with write_archive(path, manifest) as archive:
            if rt.database.is_sqlite:
                source = Path(str(rt.database.url.database))
                copy_sqlite(archive, source, path.with_name(f".{path.name}.database"))
            else:
                copy_postgres(archive, rt.database.url)
            # After the database: a content that it names is there, one that came since does no harm.
            media_files = _copy_media(rt, archive)
        if keys_path is not None:
            write_keys(rt.settings, keys_path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError("{path}: cannot be written ({reason})", path=path, reason=reason) from error
    return Backup(path, path.stat().st_size, media_files)


def _copy_media(rt: Runtime, archive: ArchiveWriter) -> int:
    """Copy what the store of media holds, wherever that is; returns how many. Raises MediaStoreError if it cannot be read."""
    count, store = 0, media_store(rt.settings)
    for key in store.keys():  # noqa: SIM118 - no mapping
        try:
            file = store.fetch(key)
        except MissingContentError:  # deleted since it was listed
            continue
        with file:
            archive.add(f"media/{key}", file)
        count += 1
    return count
