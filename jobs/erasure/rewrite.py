"""Rewrites for the schedule what keeps deleted contents until then: Redis' file, SQLite's write-ahead log, old files."""

import time
from datetime import datetime, timedelta

from jobs.core.runtime import Runtime
from jobs.erasure.redis_file import rewrite_when_due
from models.db.wal import truncate_wal

KEPT_DATABASES_FOR = timedelta(days=7)
"""`flask restore --replace` keeps the database that it replaced for so long."""


def rewrite_files(rt: Runtime, now: datetime) -> None:
    """Truncate the write-ahead log, rewrite Redis' file if it is due, and delete databases that a restore replaced long ago.

    Raises RedisError if Redis cannot be reached.
    """
    truncate_wal(rt.database, wait_seconds=0)
    _delete_kept_databases(rt, now)
    rewrite_when_due(rt)


def _delete_kept_databases(rt: Runtime, now: datetime) -> None:
    if not rt.database.is_sqlite:
        return
    before = (now - KEPT_DATABASES_FOR).timestamp()
    for path in rt.database.path.parent.glob(f"{rt.database.path.name}.before-*"):
        if min(path.stat().st_ctime, time.time()) < before:
            path.unlink(missing_ok=True)
