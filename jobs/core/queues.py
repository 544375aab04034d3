"""RQ's queues. A job is a wake-up: it says that there may be work and holds none, so losing or doubling one changes nothing."""

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
"""Well above what any job takes: lanes end themselves after 60 s, launches after each slice look at the clock."""
WAKE_UP_TTL_SECONDS = 10


def queue(redis: Redis, name: str) -> Queue:
    """The queue called `name`; only ids travel, as JSON."""
    return Queue(name, connection=redis, serializer=JSONSerializer, default_timeout=JOB_TIMEOUT_SECONDS)


def enqueue_once(
    redis: Redis, name: str, function: str, *ids: Any, key: str | None = None, seconds: int = JOB_TIMEOUT_SECONDS
) -> bool:
    """Enqueue `function(*ids)` by its dotted path. With a `key`, not while an earlier wake-up of that key waits.

    The job must say `woken(redis, key)` first, before it looks for work; else work that came meanwhile would find no wake-up.
    After `seconds` the worker takes it for stuck.
    """
    if key is not None and not redis.set(f"hark:wake:{key}", 1, nx=True, ex=WAKE_UP_TTL_SECONDS):
        return False
    queue(redis, name).enqueue(function, *ids, result_ttl=0, failure_ttl=86_400, job_timeout=seconds)
    return True


def started(redis: Redis, key: str) -> None:
    """From here on another wake-up of `key` may be made."""
    redis.delete(f"hark:wake:{key}")
