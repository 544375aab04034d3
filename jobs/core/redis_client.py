"""Creates the Redis client of a process."""

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from jobs.core.redis_server import redis_url
from models.config import Settings


def redis_client(settings: Settings) -> Redis:
    """Return a client that answers in bytes. After a lost connection a command is tried once more."""
    return Redis.from_url(
        # If the path is too long for a socket, only a file in the directory says where the server listens.
        settings.redis_url or redis_url(settings.var_dir / "redis"),
        socket_connect_timeout=2,
        socket_timeout=10,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 1, supported_errors=(RedisConnectionError,)),
    )
