"""Names the RQ queues and enqueues jobs. A job only says that there may be work, so losing or repeating one changes nothing."""

from typing import Any

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

SEND = "hark-send"
LAUNCH = "hark-launch"
ANSWER = "hark-answer"
CHORES = "hark-chores"
ALL = (SEND, LAUNCH, ANSWER, CHORES)

JOB_TIMEOUT_SECONDS = 180
"""Seconds, well above what any job takes: lanes end after 60 s, launches check the clock after each slice."""
WAKE_UP_TTL_SECONDS = 10


def queue(redis: Redis, name: str) -> Queue:
    """Return the queue called `name`. Arguments are serialised as JSON, so that jobs carry ids only."""
    return Queue(name, connection=redis, serializer=JSONSerializer, default_timeout=JOB_TIMEOUT_SECONDS)


def enqueue_once(
    redis: Redis, name: str, function: str, *ids: Any, key: str | None = None, seconds: int = JOB_TIMEOUT_SECONDS
) -> bool:
    """Enqueue `function(*ids)` by its dotted path. Return False if a job with the same `key` waits already.

    The job must call `started(redis, key)` before it looks for work; else work that arrives meanwhile would get no wake-up.
    The worker stops a job that runs longer than `seconds`. Raises RedisError if Redis cannot be reached.
    """
    if key is not None and not redis.set(f"hark:wake:{key}", 1, nx=True, ex=WAKE_UP_TTL_SECONDS):
        return False
    queue(redis, name).enqueue(function, *ids, result_ttl=0, failure_ttl=86_400, job_timeout=seconds)
    return True


def started(redis: Redis, key: str) -> None:
    """Allow the next job of `key` to be enqueued."""
    redis.delete(f"hark:wake:{key}")
