"""Has Redis write its append-only file anew: what was deleted in Redis stands in the file until then.

The file of a Redis that gets events around the clock grew for a day before Redis rewrote it by itself, and held every message of
that day. It is written anew every hour, and after each redaction. Any Redis is asked, also one that is not ours; one that keeps no
such file has nothing to do, and one that refuses (a managed service) is named once in the log.
"""

import logging
import time
from typing import Any

from redis.exceptions import ResponseError

from jobs.core.runtime import Runtime

log = logging.getLogger("hark.erasure")

KEY = "hark:erasure:rewrite"
"""A hash: `again_at`, Unix seconds at which the file is due again; `done_at`, when it was asked for last."""
EVERY_SECONDS = 3600
AGAIN_SECONDS = 120
"""After a redaction once more so much later: an event of the person may have been on its way."""
WAIT_SECONDS = 3.0
_refused: set[str] = set()


def ask_for_rewrite(rt: Runtime) -> None:
    """Have the schedule rewrite the file a little later. Raises RedisError if Redis cannot be reached."""
    rt.redis.hset(KEY, "again_at", str(time.time() + AGAIN_SECONDS))


def rewrite_when_due(rt: Runtime) -> bool:
    """For the schedule: rewrite if it was asked for or an hour is over. Raises RedisError if Redis cannot be reached."""
    redis: Any = rt.redis
    again_at, done_at = redis.hmget(KEY, "again_at", "done_at")
    now = time.time()
    is_asked = again_at is not None and float(again_at) <= now
    if not is_asked and done_at is not None and 0 <= now - float(done_at) < EVERY_SECONDS:
        return False
    return rewrite_now(rt, wait_seconds=0)


def rewrite_now(rt: Runtime, wait_seconds: float = WAIT_SECONDS) -> bool:
    """Rewrite the file, and wait for it. False if it was not done in time, or Redis keeps no file or refuses.

    Raises RedisError if Redis cannot be reached.
    """
    redis: Any = rt.redis
    if not redis.info("persistence").get("aof_enabled"):
        return False
    until = time.monotonic() + wait_seconds
    # One that began before may have read what was deleted since: it does not count.
    is_free = _wait_until_written(redis, until)
    try:
        redis.bgrewriteaof()
    except ResponseError as error:
        _name_refusal(error)
        return False
    redis.hset(KEY, "done_at", str(time.time()))
    again_at = redis.hget(KEY, "again_at")
    if again_at is not None and float(again_at) <= time.time():
        redis.hdel(KEY, "again_at")
    return is_free and _wait_until_written(redis, until)


def _wait_until_written(redis: Any, until: float) -> bool:
    while True:
        found = redis.info("persistence")
        if not found.get("aof_rewrite_in_progress") and not found.get("aof_rewrite_scheduled"):
            return bool(found.get("aof_last_bgrewrite_status", "ok") == "ok")
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)


def _name_refusal(error: ResponseError) -> None:
    kind = str(error).partition(" ")[0]
    if kind not in _refused and "already in progress" not in str(error):
        _refused.add(kind)
        log.warning("this Redis does not write its file anew when it is asked to (%s); see docs/privacy.md", kind)
