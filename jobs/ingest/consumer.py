"""The ingest: takes what the webhook kept, applies it, and only then lets it go. `python -m jobs.ingest`; any number of them.

A batch is one transaction. What cannot be applied is taken out of its batch and kept as a dead letter. The database or Redis
away is no fault of a payload: it waits. Killed at any instruction, everything is read again, and changes nothing twice.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from redis.exceptions import ExecAbortError, OutOfMemoryError, RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bot.webhooks.stream import Entry, EventStream
from jobs.core.logs import configure_logs
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN, stop_on_signals
from jobs.ingest.apply import COUNTS_KEY, Applied, wake_after
from jobs.ingest.batch import Applier, OutageClock, StoppedError, parse_entries, split_entries
from jobs.ingest.parked import retry_round
from models.tables.webhook_event import ParkedStatus

log = logging.getLogger("hark.ingest")

BEAT_KEY = "hark:ingest:beat"
BEAT_EXPIRES_SECONDS = 10
BEAT_SECONDS = 2.0
MAX_ENTRIES = 1_000
MAX_BYTES = 8 * 1024 * 1024
READ_ENTRIES = 100
FIRST_ENTRIES = 25
"""Of a batch's first reading, which says how large the next may be: bodies have up to 3 MB, and mostly a kilobyte."""
BLOCK_MS = 500
GATHER_SECONDS = 0.05
"""Small batches follow each other at most this often: at 3,000 events a second that saves half the work."""


class Lag(NamedTuple):
    """How far behind we are."""

    seconds: float
    """Age of the oldest event that is not applied."""
    events: int
    is_alive: bool
    """Whether any consumer beats."""


def lag(rt: Runtime) -> Lag:
    """RedisError where Redis is away."""
    backlog = EventStream(rt.redis).backlog()
    return Lag(backlog.seconds, backlog.events, bool(rt.redis.exists(BEAT_KEY)))


class Batch:
    """What is taken at once: bounded in entries, and as well as can be known in bytes."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._size = 0
        self._next = FIRST_ENTRIES

    def fill(self, take: Callable[[int], list[Entry]]) -> bool:
        """Take until there is no more, which is True, or until it is full."""
        while len(self.entries) < MAX_ENTRIES and self._size < MAX_BYTES:
            count = min(self._next, MAX_ENTRIES - len(self.entries))
            some = take(count)
            self.entries += some
            self._size += sum(len(entry.raw) for entry in some)
            if some:
                largest = max(1, *(len(entry.raw) for entry in some))
                self._next = max(1, min(READ_ENTRIES, (MAX_BYTES - self._size) // largest))
            if len(some) < count:
                return True
        return False


class Consumer:
    """One consumer of the stream, under a name of its own."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.stream = EventStream(rt.redis, rt.settings.stream_bound)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._held: list[bytes] = []
        self._beat_at = self._held_at = self._took_over_at = self._retried_at = float("-inf")
        self._cursor = 0
        self._is_full = False
        self._trouble = OutageClock()
        self._applier = Applier(rt, self._trouble, self._wait, self._show_life)

    def run(self) -> None:
        """Until STOPPING."""
        while not SHUTDOWN.is_set():
            try:
                self.run_once(BLOCK_MS)
            except RedisError as error:
                self._trouble.begin("Redis", error)
                SHUTDOWN.wait(0.3)
            except StoppedError:
                break
        self._leave()

    def run_once(self, block_ms: int | None = None) -> int:
        """One batch; how many events it had. RedisError; StoppedError."""
        self._beat()
        entries = self._take(block_ms)
        begun = time.monotonic()
        self._trouble.end("Redis")
        if entries:
            self.handle(entries)
        self._retry_parked()
        if 0 < len(entries) < MAX_ENTRIES // 5:
            SHUTDOWN.wait(max(0.0, begun + GATHER_SECONDS - time.monotonic()))
        return len(entries)

    def handle(self, entries: Sequence[Entry]) -> None:
        """Apply entries and let them go."""
        self._held = [entry.id for entry in entries]
        self._held_at = time.monotonic()
        for part in split_entries(parse_entries(entries)):
            ids = [item.entry.id for item in part]
            applied = self._applier.apply(part)
            self._after_commit(applied, ids)
            self._held = self._held[len(ids) :]

    def _take(self, block_ms: int | None) -> list[Entry]:
        batch = Batch()
        if time.monotonic() - self._took_over_at > BEAT_SECONDS:
            if batch.fill(lambda count: self.stream.take_over(self.name, count)):
                self._took_over_at = time.monotonic()
            if batch.entries:
                log.info("took over %d events of a consumer that is gone", len(batch.entries))
        batch.fill(lambda count: self.stream.read(self.name, count, None if batch.entries else block_ms))
        return batch.entries

    def _wait(self, seconds: float) -> None:
        """Alive all the while: nobody is to take over what this one holds."""
        if SHUTDOWN.wait(seconds):
            raise StoppedError
        self._hold()

    def _show_life(self) -> None:
        """Between two transactions: many of them on a slow database take longer than a dead consumer's entries are left alone."""
        if time.monotonic() - self._held_at >= BEAT_SECONDS:
            self._hold()

    def _hold(self) -> None:
        self._held_at = time.monotonic()
        try:
            self._beat()
            self.stream.hold(self.name, self._held)
        except RedisError as error:
            self._trouble.begin("Redis", error)

    def _after_commit(self, applied: Sequence[Applied], ids: Sequence[bytes]) -> None:
        """Wake-ups first: who dies before the acknowledgement is read again, and wakes again."""
        while True:
            try:
                for one in applied:
                    wake_after(self.rt, one)
                pipeline = self.rt.redis.pipeline(transaction=True)
                self.stream.finish(ids, pipeline)
                self._count(pipeline, applied, len(ids))
                pipeline.execute()
            except (OutOfMemoryError, ExecAbortError):
                if self._finish_alone(ids):
                    return
            except RedisError as error:
                self._trouble.begin("Redis", error)
            else:
                self._is_full = False
                return
            if SHUTDOWN.wait(0.3):
                raise StoppedError

    def _finish_alone(self, ids: Sequence[bytes]) -> bool:
        """In a full Redis: letting go needs no memory and frees some, and the schedule makes the wake-ups that are lost."""
        if not self._is_full:
            log.warning("Redis is full: what it holds is applied, without counts and wake-ups, until it has room")
            self._is_full = True
        try:
            self.stream.finish(ids)
        except RedisError as error:
            self._trouble.begin("Redis", error)
            return False
        return True

    def _count(self, pipeline: Any, applied: Sequence[Applied], events: int) -> None:
        totals = {"events": events}
        for one in applied:
            for name, number in one.counts.items():
                totals[name] = totals.get(name, 0) + number
        for name, number in totals.items():
            if number:
                pipeline.hincrby(COUNTS_KEY, name, number)

    def _retry_parked(self) -> None:
        if time.monotonic() - self._retried_at < BEAT_SECONDS:
            return
        self._retried_at = time.monotonic()
        try:
            with self.rt.database.read() as session:
                if session.scalar(select(ParkedStatus.id).limit(1)) is None:
                    return
            applied, self._cursor = retry_round(self.rt, self._cursor)
        except (SQLAlchemyError, OSError) as error:
            self._trouble.begin("the database", error)
        else:
            self._after_commit([applied], [])

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at >= BEAT_SECONDS:
            try:
                self.rt.redis.set(BEAT_KEY, self.name, ex=BEAT_EXPIRES_SECONDS)
            except OutOfMemoryError:  # who reads makes room: go on, and keep the former beat, which needs none
                self.rt.redis.expire(BEAT_KEY, BEAT_EXPIRES_SECONDS)
            self._beat_at = time.monotonic()

    def _leave(self) -> None:
        try:
            self.stream.leave(self.name)
        except RedisError as error:
            log.info("left without a word: Redis is away (%s)", type(error).__name__)


def main() -> None:
    """The command line."""
    configure_logs()
    stop_on_signals()
    rt = runtime()
    try:
        Consumer(rt).run()
    finally:
        rt.close()


if __name__ == "__main__":
    main()
