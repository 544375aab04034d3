"""Changing a number of ours: how fast it may send, and going on after it was stopped."""

import logging

from redis.exceptions import RedisError

from jobs.core.queues import SEND, wake
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import Refused
from models.tables.number import Number
from models.tables.user import record_audit

MOST_PER_SECOND = 1000

log = logging.getLogger("hark.numbers")


def resume_number(rt: Runtime, number_id: int, actor: str) -> None:
    """Let a stopped or held number send again. Refused where it is neither."""
    now = utcnow()
    with rt.database.write() as session:
        number = session.get(Number, number_id)
        if number is None:
            raise Refused(f"number {number_id}: there is no such number")
        if number.stopped_at is None and (number.held_until is None or number.held_until <= now):
            raise Refused(f"{number.name} is not stopped.")
        number.stopped_at = number.stopped_reason = number.held_until = None
        record_audit(session, now, actor, "resume", "number", number_id)
    try:
        wake(rt.redis, SEND, "jobs.sending.serve.serve_number", number_id, key=f"send:{number_id}")
    except RedisError as error:
        log.warning(
            "number %d: no wake-up for its senders (%s); the schedule makes one", number_id, type(error).__name__
        )


def change_speed(rt: Runtime, number_id: int, per_second: int, actor: str) -> None:
    """What Meta lets through this number a second, inbound and outbound together."""
    if not 1 <= per_second <= MOST_PER_SECOND:
        raise Refused(f"per-second={per_second}: allowed are 1 to {MOST_PER_SECOND}")
    with rt.database.write() as session:
        number = session.get(Number, number_id)
        if number is None:
            raise Refused(f"number {number_id}: there is no such number")
        number.messages_per_second = per_second
        record_audit(session, utcnow(), actor, "change_speed", "number", number_id, per_second=per_second)
