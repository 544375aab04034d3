"""What the last messages of a campaign came to, from one lane to the next: a lane lives a minute, in which a slow campaign sends
too few to judge. Kept in Redis for a day; lost with it, the window fills anew."""

from redis import Redis

from jobs.sending.failure_rate import FailureGuard

KEEP_SECONDS = 86_400


def keep(redis: Redis, campaign_id: int, guard: FailureGuard) -> None:
    """A lane ends: this is what it saw. RedisError."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.delete(_key(campaign_id))
    if guard.kinds:
        pipeline.rpush(_key(campaign_id), *guard.kinds)
        pipeline.expire(_key(campaign_id), KEEP_SECONDS)
    pipeline.execute()


def recall(redis: Redis, campaign_id: int) -> FailureGuard:
    """A lane begins with what the last one saw. RedisError."""
    found: list[bytes] = redis.lrange(_key(campaign_id), 0, -1)  # type: ignore[assignment]
    return FailureGuard(kind.decode() for kind in found)


def forget(redis: Redis, campaign_id: int) -> None:
    """Somebody looked at what failed and lets the campaign go on: judge it by what comes now. RedisError."""
    redis.delete(_key(campaign_id))


def _key(campaign_id: int) -> str:
    return f"hark:failures:{campaign_id}"
