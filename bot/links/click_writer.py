"""Appends requests for tracked links to their stream, many in one round trip. Nobody waits for it: what cannot be kept is counted.

It has a connection of its own, so that clicks never stand before webhooks.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from bot.links.requests import BOUND, KEY, LinkRequest
from models.config import Settings

LOSSES = ("full", "redis", "slow")
"""Why a request is not kept: the stream is at its bound, Redis is away, too many wait in this process."""
BATCH = 500
MAX_WAITING = 20_000
"""In this process, while Redis is slow."""
SECONDS = 1.0
CLOSE_SECONDS = 2.0
GATHER_SECONDS = 0.005
"""So long a batch gathers: at 2,000 requests a second ten share a round trip."""

# KEYS: the stream. ARGV: the bound, entries. Returns how many were kept.
_APPEND = """
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local kept = 0
for i = 2, #ARGV do
  if kept >= room then break end
  redis.call('XADD', KEYS[1], '*', 'b', ARGV[i])
  kept = kept + 1
end
return kept
"""

log = logging.getLogger(__name__)


class ClickWriter:
    """Used from one event loop."""

    def __init__(self, redis: Redis, bound: int = BOUND) -> None:
        self.lost: Counter[str] = Counter()
        """Reason (`LOSSES`) → requests that were not kept."""
        self._redis: Any = redis  # redis-py does not type this call
        self._bound = bound
        self._waiting: deque[bytes] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_losing = False

    def write(self, request: LinkRequest) -> None:
        """Note a request, to be sent soon."""
        if len(self._waiting) >= MAX_WAITING:
            self.lost["slow"] += 1
            return
        self._waiting.append(request.entry())
        if self._task is None:
            self._task = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Send what waits, for some seconds at most, and close the connection."""
        if self._task is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._task
            except TimeoutError:
                self._lose("redis", len(self._waiting), "the process ends")
        await self._redis.aclose()

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                count = min(BATCH, len(self._waiting))
                await self._send([self._waiting.popleft() for _ in range(count)])
        finally:
            self._task = None

    async def _send(self, entries: Sequence[bytes]) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                kept = int(await self._redis.execute_command("EVAL", _APPEND, 1, KEY, self._bound, *entries))
        except (RedisError, OSError, TimeoutError) as error:
            self._lose("redis", len(entries), type(error).__name__)
            return
        if kept < len(entries):
            self._lose("full", len(entries) - kept, f"the stream is at its bound of {self._bound}")
        else:
            self._is_losing = False

    def _lose(self, reason: str, count: int, why: str) -> None:
        self.lost[reason] += count
        if not self._is_losing:
            log.warning("links: clicks are lost, people are redirected all the same: %s", why)
        self._is_losing = True


def make_click_writer(settings: Settings, bound: int = BOUND) -> ClickWriter:
    """Build the writer from the settings. Does not connect yet."""
    redis = Redis.from_url(
        settings.redis_socket_url,
        socket_connect_timeout=SECONDS,
        socket_timeout=SECONDS,
        # One retry, for a connection that Redis closed meanwhile (a restart).
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return ClickWriter(redis, bound)
