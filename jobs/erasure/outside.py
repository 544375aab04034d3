"""Wipes outside of the database's tables who was redacted in them; called after that transaction is committed."""

import logging

from redis.exceptions import RedisError

from jobs.core.runtime import Runtime
from jobs.erasure.log_file import redact_error_log
from jobs.erasure.redis_file import ask_for_rewrite, rewrite_now
from jobs.imports.redact_uploads import redact_uploads
from models.db.wal import truncate_wal
from models.privacy.mentions import Mentions
from models.privacy.redact import wipe_late_mentions

log = logging.getLogger("hark.erasure")


def erase_outside(rt: Runtime, mentions: Mentions) -> None:
    """Remove the person from files, and have the files of SQLite and Redis written anew, which hold what was deleted in them.

    Where Redis is away or readers hold up SQLite, the schedule does it (`jobs.erasure.rewrite`).
    """
    with rt.database.write() as session:
        wipe_late_mentions(session, mentions)
    erase_files(rt, mentions)
    compact(rt)


def erase_files(rt: Runtime, mentions: Mentions) -> None:
    """Remove the person from files. Called before the redaction too: a process that dies after it leaves none that name them."""
    redact_uploads(rt, mentions.may_match)
    redact_error_log(rt.settings.var_dir, mentions.may_match)


def compact(rt: Runtime) -> None:
    """Drop the old contents of SQLite's write-ahead log and of Redis' file, now and, for what was under way, once more later."""
    truncate_wal(rt.database)
    try:
        ask_for_rewrite(rt)
        rewrite_now(rt)
    except RedisError as error:
        log.warning("Redis' file is not written anew yet: Redis is away (%s)", type(error).__name__)
