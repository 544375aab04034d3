"""Puts a backup back while nothing of the installation runs. What the older database may then do is in models.restore."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from admin.backup import postgres_copy, sqlite_copy
from admin.backup.archive import ArchiveReader, Manifest, open_archive
from admin.backup.keys import fingerprints_of, put_keys_back, read_keys, with_keys
from admin.server.supervisor import lock_directory
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import BEAT_KEY
from jobs.media.incoming import take_in
from jobs.media.store import ContentStore, media_store
from jobs.restore.marks import redactions_in_redis
from jobs.restore.redaction_file import redact_marked
from models.config import Settings
from models.db.migrate import alembic_config, upgrade_schema
from models.errors import OperatorError
from models.tables.browser_session import EndReason, end_sessions


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `kept` is where the SQLite database that was there before is now."""

    made_at: str
    media_files: int
    kept: Path | None


def restore_backup(
    settings: Settings, path: Path, keys_path: Path | None, now: datetime, *, is_replacing: bool
) -> Restored:
    """Verify the archive, then put database and media back, and bring the schema to the newest.

    Raises OperatorError if something of this installation runs, the archive is damaged, of another kind of database, of a newer
    version or of other keys, or there is a database already and `is_replacing` is False. Nothing was changed then.
    """
    with lock_directory(settings.var_dir):
        _check_nothing_runs(settings)
        with open_archive(path) as archive:
            manifest = archive.manifest
            _check_revision(path, manifest)
            keys = _check_keys(settings, path, keys_path, manifest)
            store = media_store(settings)
            store.has("a-content")  # a store that cannot be asked is noticed before anything is changed
            kept = _put_database_back(settings, path, archive, now, is_replacing=is_replacing)
            if keys is not None:
                put_keys_back(settings, keys)
            count = _put_media_back(settings, store, archive)
        upgrade_schema(settings.database_url)
        rt = Runtime(settings if keys is None else with_keys(settings, keys))
        try:
            _end_sessions(rt, now)
            # Whoever was redacted since the backup is redacted again, before anything of it is shown or sent.
            redact_marked(rt, redactions_in_redis(rt))
        finally:
            rt.close()
    return Restored(manifest.made_at, count, kept)


@retry_conflicts
def _end_sessions(rt: Runtime, now: datetime) -> None:
    """Everybody signs in again: a session of the copy may have been ended since it was made."""
    with rt.database.write() as session:
        end_sessions(session, now, EndReason.RESTORED)


def _check_nothing_runs(settings: Settings) -> None:
    """Raises OperatorError if processes of any machine have the database open or beat in Redis."""
    rt = Runtime(settings)
    try:
        if rt.redis.exists(BEAT_KEY):
            raise OperatorError("something of this Hark still runs: stop it on every machine first")
    except RedisError:
        pass  # nothing runs without Redis
    finally:
        rt.close()
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        sqlite_copy.check_unused(Path(str(url.database)))
    else:
        postgres_copy.check_unused(url)


def _check_revision(path: Path, manifest: Manifest) -> None:
    try:
        ScriptDirectory.from_config(alembic_config("")).get_revision(manifest.revision)
    except CommandError:
        raise OperatorError(
            "{path}: it was made by a newer version of Hark (schema {revision}); install that first",
            path=path,
            revision=manifest.revision,
        ) from None


def _check_keys(settings: Settings, path: Path, keys_path: Path | None, manifest: Manifest) -> dict[str, str] | None:
    """The keys to put back, None without a file of them."""
    keys = None if keys_path is None else read_keys(keys_path)
    own = ",".join(settings.encryption_keys)
    fingerprints = fingerprints_of(keys_path or path, own if keys is None else keys["ENCRYPTION_KEY"])
    if manifest.encryption_fingerprint and manifest.encryption_fingerprint not in fingerprints:
        raise OperatorError(
            "{path}: its access tokens were encrypted with another ENCRYPTION_KEY; give the file of its keys with --keys",
            path=path,
        )
    return keys


def _put_database_back(
    settings: Settings, path: Path, archive: ArchiveReader, now: datetime, *, is_replacing: bool
) -> Path | None:
    url = make_url(settings.database_url)
    kind = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
    if archive.manifest.kind != kind:
        raise OperatorError(
            "{path}: it holds a database of {kind}; DATABASE_URL is one of {own}",
            path=path,
            kind=archive.manifest.kind,
            own=kind,
        )
    database = Path(str(url.database))
    has_rows = database.exists() if kind == "sqlite" else not postgres_copy.is_empty(url)
    if has_rows and not is_replacing:
        raise OperatorError("there is a database already: with --replace the backup takes its place")
    if kind == "sqlite":
        return sqlite_copy.put_sqlite_back(archive, database, now)
    postgres_copy.put_postgres_back(archive, url)
    return None


def _put_media_back(settings: Settings, store: ContentStore, archive: ArchiveReader) -> int:
    names = [name for name in archive.manifest.members if PurePosixPath(name).parts[:1] == ("media",)]
    for name in names:
        key = PurePosixPath(name).name
        if not store.has(key):  # a key's content never changes
            size, _ = archive.manifest.members[name]
            with take_in(settings, archive.chunks(name), size) as file:
                store.put(key, file.path)
    return len(names)
