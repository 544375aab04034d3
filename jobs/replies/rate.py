"""Limits replies to a number's rate, reserved in Redis for many conversations at once."""

import asyncio
from concurrent.futures import Executor

from redis import Redis

from jobs.sending.pace import Pace, SendSlot
from models.errors import HarkError

MAX_AT_ONCE = 50
MAX_WAITING = 64
MAX_AHEAD_SECONDS = 0.3
MIN_PAUSE_SECONDS = 0.005
NO_CAMPAIGN = 0
NO_LIMIT = 1e6


class RateLimiterClosedError(HarkError):
    """The limiter was closed before the reply got a slot: the message stays queued."""


class ReplyRateLimiter:
    """Replies use their own share of the number's rate; if that is used up, they take what campaigns leave."""

    def __init__(self, redis: Redis, number_id: int, messages_per_second: float, executor: Executor) -> None:
        self._pace = Pace(redis, number_id, messages_per_second)
        self._executor = executor
        self._waiting: list[asyncio.Future[None]] = []
        self._runner: asyncio.Task[None] | None = None
        self._is_closed = False

    def set_rate(self, messages_per_second: float) -> None:
        """Set the number's whole rate, which Meta or an operator may have changed."""
        self._pace.messages_per_second = messages_per_second

    @property
    def is_crowded(self) -> bool:
        """Whether so many replies wait that further ones should be postponed, in favour of other numbers."""
        return len(self._waiting) >= MAX_WAITING

    async def take(self) -> None:
        """Return when a reply may be sent.

        Raises RedisError if Redis is unavailable, and RateLimiterClosedError if the limiter is closed: then nothing is sent.
        """
        if self._is_closed:
            raise RateLimiterClosedError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        await future

    def slow_down(self) -> None:
        """Lower the rate, after Meta reported that the number sends too fast (130429, docs/meta.md §4.1)."""
        self._pace.slow_down()

    def close(self) -> None:
        """Make every waiting `take` raise RateLimiterClosedError."""
        self._is_closed = True
        self._fail(RateLimiterClosedError())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            count = min(len(self._waiting), MAX_AT_ONCE)
            try:
                slot = await loop.run_in_executor(self._executor, self._reserve, count)
            except Exception as error:  # noqa: BLE001 - every waiting `take` raises it
                self._fail(error)
                return
            if slot.size == 0:
                await asyncio.sleep(max(slot.delay_seconds, MIN_PAUSE_SECONDS))
                continue
            granted, self._waiting = self._waiting[: slot.size], self._waiting[slot.size :]
            begin = loop.time() + slot.delay_seconds
            for place, future in enumerate(granted):
                loop.call_at(begin + place * slot.interval_seconds, _grant, future)

    def _reserve(self, count: int) -> SendSlot:
        """Reserve at most the slots of the next MAX_AHEAD_SECONDS: nobody else could use slots that lie far ahead."""
        share = min(count, max(1, int(self._pace.reply_rate * MAX_AHEAD_SECONDS)))
        slot = self._pace.reserve_replies(share)
        if slot.size:
            return slot
        left = min(count, max(1, int(self._pace.messages_per_second * MAX_AHEAD_SECONDS)))
        return self._pace.reserve(NO_CAMPAIGN, NO_LIMIT, left)

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_exception(error)


def _grant(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
