"""Turns to send a reply: a number's rate, asked for many conversations at once."""

import asyncio
from concurrent.futures import Executor

from redis import Redis

from jobs.pace import Pace, Slot

MOST_AT_ONCE = 50
LEAST_PAUSE_SECONDS = 0.005
NO_CAMPAIGN = 0
NO_LIMIT = 1e6


class ReplyTurns:
    """Replies have a share of the number's rate of their own; where that is used up they take what campaigns leave."""

    def __init__(self, redis: Redis, number_id: int, messages_per_second: float, executor: Executor) -> None:
        self._pace = Pace(redis, number_id, messages_per_second)
        self._executor = executor
        self._waiting: list[asyncio.Future[None]] = []
        self._runner: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Return when a reply may begin. Raises redis.RedisError where Redis is away: then nothing is sent."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        await future

    def slow_down(self) -> None:
        """Meta said that the number is too fast."""
        self._pace.slow_down()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            wanted = min(len(self._waiting), MOST_AT_ONCE)
            try:
                slot = await loop.run_in_executor(self._executor, self._reserve, wanted)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for a turn
                self._fail(error)
                return
            if slot.size == 0:
                await asyncio.sleep(max(slot.delay_seconds, LEAST_PAUSE_SECONDS))
                continue
            granted, self._waiting = self._waiting[: slot.size], self._waiting[slot.size :]
            begin = loop.time() + slot.delay_seconds
            for place, future in enumerate(granted):
                loop.call_at(begin + place * slot.interval_seconds, _grant, future)

    def _reserve(self, wanted: int) -> Slot:
        slot = self._pace.reserve_replies(wanted)
        if slot.size:
            return slot
        return self._pace.reserve(NO_CAMPAIGN, NO_LIMIT, wanted)

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_exception(error)


def _grant(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
