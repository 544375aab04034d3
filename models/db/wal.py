"""Empties SQLite's write-ahead log, which holds pages as they were before they were changed."""

import time

from models.db.engine import Database

WAIT_SECONDS = 2.0


def truncate_wal(database: Database, wait_seconds: float = WAIT_SECONDS) -> bool:
    """Move the log into the database and cut it to nothing. False if readers of an older state held it up for so long.

    Does nothing on PostgreSQL, whose log is the server's.
    """
    if not database.is_sqlite:
        return True
    until = time.monotonic() + wait_seconds
    while True:
        with database.write_engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None  # noqa: S101 - it is connected
            cursor = raw.cursor()
            # Without waiting inside SQLite: whoever writes meanwhile would wait as well.
            cursor.execute("PRAGMA busy_timeout=50")
            (is_busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute("PRAGMA busy_timeout=30000")
            cursor.close()
        if not is_busy:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.05)
