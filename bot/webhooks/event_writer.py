"""Appends events to their streams from an event loop, those of many requests in one round trip to Redis.

Gives up as `WebhookEndpoint` does: within a second, so that Meta is told to send the event again.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.webhooks.stream import APPEND, EventStream, StreamUnavailableError
from bot.webhooks.whatsapp import ANSWER_SECONDS, CONNECT_SECONDS, SILENT_SECONDS
from models.config import Settings

BATCH_EVENTS = 256
BATCH_BYTES = 8 * 1024 * 1024
"""Of one round trip, which has to end within `ANSWER_SECONDS`; a larger body goes alone."""

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    stream: EventStream
    entry: bytes
    is_kept: "asyncio.Future[None]"


class EventWriter:
    """Sends one batch at a time; what arrives meanwhile is the next batch. Used from one event loop."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._silent_until = 0.0
        """On the monotonic clock; 0.0 while Redis answers."""

    async def append(self, stream: EventStream, entry: bytes) -> None:
        """Return once Redis has kept the entry. Raises StreamUnavailableError if Redis fails or the stream is full."""
        if self._silent_until and time.monotonic() < self._silent_until:
            raise StreamUnavailableError("Redis did not answer just now")
        waiting = _Waiting(stream, entry, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._send_all())
        await waiting.is_kept

    async def ping(self) -> None:
        """Raises redis.RedisError, OSError or TimeoutError if Redis does not answer within a second."""
        async with asyncio.timeout(CONNECT_SECONDS + ANSWER_SECONDS):
            await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _send_all(self) -> None:
        batch: Sequence[_Waiting] = ()
        try:
            while batch := self._next_batch():
                await self._send(batch)
        except BaseException as error:
            self._refuse([*batch, *self._waiting], type(error).__name__)  # nobody waits for ever
            self._waiting.clear()
            raise
        finally:
            self._task = None

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH_EVENTS:
            size += len(self._waiting[0].entry)
            if batch and size > BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for waiting in batch:
            pipeline.execute_command("EVAL", APPEND, 1, waiting.stream.key, waiting.stream.bound, waiting.entry)
        try:
            async with asyncio.timeout(CONNECT_SECONDS + ANSWER_SECONDS):
                results = await pipeline.execute(raise_on_error=False)
        except (RedisTimeoutError, TimeoutError) as error:
            self._silent_until = time.monotonic() + SILENT_SECONDS
            self._refuse([*batch, *self._waiting], type(error).__name__)
            self._waiting.clear()
        except (RedisError, OSError) as error:
            self._silent_until = 0.0
            self._refuse(batch, type(error).__name__)
        else:
            self._silent_until = 0.0
            self._settle(batch, results)

    def _settle(self, batch: Sequence[_Waiting], results: Sequence[object]) -> None:
        for waiting, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                self._refuse([waiting], type(result).__name__)
            elif not result:
                self._refuse([waiting], f"the stream is at its bound of {waiting.stream.bound} events")
            elif not waiting.is_kept.done():
                waiting.is_kept.set_result(None)

    @staticmethod
    def _refuse(batch: Sequence[_Waiting], reason: str) -> None:
        log.warning("webhook: %d events not taken, answered 503: %s", len(batch), reason)
        for waiting in batch:
            if not waiting.is_kept.done():  # the client may have gone meanwhile
                waiting.is_kept.set_exception(StreamUnavailableError(reason))


def make_event_writer(settings: Settings) -> EventWriter:
    """Build the writer from the settings. Does not connect yet."""
    redis = Redis.from_url(
        settings.redis_socket_url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        # One retry, for a connection that Redis closed meanwhile (a restart). Applying the same event twice changes nothing.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return EventWriter(redis)
