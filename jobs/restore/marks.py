"""Keeps marks of who unsubscribed and who was redacted in Redis, and applies them to a database that was put back."""

import time
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from jobs.core.runtime import Runtime
from jobs.erasure.outside import erase_outside
from models.restore.hold import current_hold
from models.restore.marks import KEEP, apply_marks, consent_marks, latest_hold_id, newest_marks, suppression_marks

KEY = "hark:marks"
PAGE = 5_000
OVERLAP = 1_000
"""Ids that are read again with new ones: a transaction with a lower id may be committed after one with a higher."""
SEEN = "seen"


def keep_marks(rt: Runtime, now: datetime) -> None:
    """For the schedule: copy what is new. Marks of opt-outs are kept 90 days, those of redactions for good."""
    stops, redacted, cursors = _names(rt)
    redis: Any = rt.redis
    with rt.database.read() as session:
        hold_id = latest_hold_id(session)
        fields = [f"{hold_id}:consent", f"{hold_id}:suppression"]
        *places, seen = redis.hmget(cursors, [*fields, SEEN])
        after = [max(0, int(value or 0) - OVERLAP) for value in places]
        redis.zremrangebyscore(stops, 0, (now - KEEP).timestamp())
        newest = newest_marks(session, *after)
        if seen is not None and seen.decode() == newest:
            return  # also what is read again each time is what it was
        changes = consent_marks(session, rt.vault, after[0], now, PAGE)
        suppressed = suppression_marks(session, after[1], PAGE)
    pipeline = redis.pipeline()
    for change in changes:
        if change.is_stop:
            pipeline.zadd(stops, {change.person_hash: change.at.timestamp()})
        else:
            pipeline.zrem(stops, change.person_hash)
    if suppressed:
        pipeline.sadd(redacted, *(hashed for _, hashed in suppressed))
        pipeline.zrem(stops, *(hashed for _, hashed in suppressed))
        pipeline.hset(cursors, fields[1], suppressed[-1][0])
    if changes:
        pipeline.hset(cursors, fields[0], changes[-1].event_id)
    pipeline.hset(cursors, SEEN, newest)
    pipeline.execute()


def restore_marks(rt: Runtime, now: datetime, until: float) -> None:
    """Apply the marks to a held database until it is done or the monotonic clock says `until`."""
    with rt.database.read() as session:
        hold = current_hold(session)
        if hold is None or hold.marks_done_at is not None:
            return
    stops, redacted, _ = _names(rt)
    redis: Any = rt.redis
    stopped = {member.decode(): score for member, score in redis.zrange(stops, 0, -1, withscores=True)}
    gone = {member.decode() for member in redis.smembers(redacted)}
    while time.monotonic() < until:
        with rt.database.write() as session:
            hold = current_hold(session)
            if hold is None or hold.marks_done_at is not None:
                return
            wiped = apply_marks(session, hold, rt.vault, stopped, gone, now)
        for mentions in wiped:
            erase_outside(rt, mentions)


def redactions_in_redis(rt: Runtime) -> set[str]:
    """The marks of redactions that Redis keeps; empty where it is away."""
    redis: Any = rt.redis
    try:
        return {member.decode() for member in redis.smembers(_names(rt)[1])}
    except RedisError:
        return set()


def _names(rt: Runtime) -> tuple[str, str, str]:
    """The keys of opt-outs, redactions and cursors."""
    name = rt.installation
    return f"{KEY}:stops:{name}", f"{KEY}:redacted:{name}", f"{KEY}:cursors:{name}"
