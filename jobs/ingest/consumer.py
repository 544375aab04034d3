"""Reads webhook payloads from the stream, applies them, and acknowledges them after the commit (`python -m jobs.ingest`).

Any number of consumers may run. A batch is one transaction; a payload that cannot be applied becomes a dead letter. While the
database or Redis cannot be reached, payloads wait. After a crash at any point they are read again, and applied twice they
change nothing.
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
"""Entries of a batch's first read. Their sizes decide the next count: bodies have up to 3 MB, and mostly a kilobyte."""
BLOCK_MS = 500
GATHER_SECONDS = 0.05
"""Least time between small batches: at 3,000 events a second this saves half the work."""


class Lag(NamedTuple):
    """How far the ingest is behind."""

    seconds: float
    """Age of the oldest event that is not yet applied."""
    events: int
    is_alive: bool
    """Whether any consumer sent a heartbeat in the last 10 s."""


def lag(rt: Runtime) -> Lag:
    """Return the lag. Raises RedisError if Redis cannot be reached."""
    backlog = EventStream(rt.redis).backlog()
    return Lag(backlog.seconds, backlog.events, bool(rt.redis.exists(BEAT_KEY)))


class Batch:
    """Entries that are handled together, bounded in number and, as far as sizes can be predicted, in bytes."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._size = 0
        self._next = FIRST_ENTRIES

    def fill(self, take: Callable[[int], list[Entry]]) -> bool:
        """Call `take(count)` until the batch is full (False) or there are no more entries (True)."""
        while len(self.entries) < MAX_ENTRIES and self._size < MAX_BYTES:
            count = min(self._next, MAX_ENTRIES - len(self.entries))
            entries = take(count)
            self.entries += entries
            self._size += sum(len(entry.raw) for entry in entries)
            if entries:
                largest = max(1, *(len(entry.raw) for entry in entries))
                self._next = max(1, min(READ_ENTRIES, (MAX_BYTES - self._size) // largest))
            if len(entries) < count:
                return True
        return False


class Consumer:
    """One consumer of the stream, with a unique name."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.stream = EventStream(rt.redis, rt.settings.stream_bound)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._held: list[bytes] = []
        self._beat_at = self._held_at = self._took_over_at = self._retried_at = float("-inf")
        self._cursor = 0
        self._is_full = False
        self._outages = OutageClock()
        self._applier = Applier(rt, self._outages, self._wait, self._renew_hold)

    def run(self) -> None:
        """Handle batches until `SHUTDOWN` is set."""
        while not SHUTDOWN.is_set():
            try:
                self.run_once(BLOCK_MS)
            except RedisError as error:
                self._outages.begin("Redis", error)
                SHUTDOWN.wait(0.3)
            except StoppedError:
                break
        self._leave()

    def run_once(self, block_ms: int | None = None) -> int:
        """Handle one batch; return its number of events.

        Raises RedisError if Redis cannot be reached, and StoppedError if the process is to stop during an outage.
        """
        self._send_heartbeat()
        entries = self._read_batch(block_ms)
        started_at = time.monotonic()
        self._outages.end("Redis")
        if entries:
            self.handle(entries)
        self._retry_parked()
        if 0 < len(entries) < MAX_ENTRIES // 5:
            SHUTDOWN.wait(max(0.0, started_at + GATHER_SECONDS - time.monotonic()))
        return len(entries)

    def handle(self, entries: Sequence[Entry]) -> None:
        """Apply entries and acknowledge them. Raises StoppedError if the process is to stop during an outage."""
        self._held = [entry.id for entry in entries]
        self._held_at = time.monotonic()
        for work in split_entries(parse_entries(entries)):
            ids = [item.entry.id for item in work]
            applied = self._applier.apply(work)
            self._after_commit(applied, ids)
            self._held = self._held[len(ids) :]

    def _read_batch(self, block_ms: int | None) -> list[Entry]:
        batch = Batch()
        if time.monotonic() - self._took_over_at > BEAT_SECONDS:
            if batch.fill(lambda count: self.stream.take_over(self.name, count)):
                self._took_over_at = time.monotonic()
            if batch.entries:
                log.info("took over %d events of a consumer that is gone", len(batch.entries))
        batch.fill(lambda count: self.stream.read(self.name, count, None if batch.entries else block_ms))
        return batch.entries

    def _wait(self, seconds: float) -> None:
        """Wait, and keep the held entries from being taken over by another consumer."""
        if SHUTDOWN.wait(seconds):
            raise StoppedError
        self._hold()

    def _renew_hold(self) -> None:
        """Called between two transactions: on a slow database many of them take longer than entries may be held without a sign."""
        if time.monotonic() - self._held_at >= BEAT_SECONDS:
            self._hold()

    def _hold(self) -> None:
        self._held_at = time.monotonic()
        try:
            self._send_heartbeat()
            self.stream.hold(self.name, self._held)
        except RedisError as error:
            self._outages.begin("Redis", error)

    def _after_commit(self, applied: Sequence[Applied], ids: Sequence[bytes]) -> None:
        """Enqueue wake-ups before the acknowledgement: after a crash in between the entries are read again, and enqueue again."""
        while True:
            try:
                for part in applied:
                    wake_after(self.rt, part)
                pipeline = self.rt.redis.pipeline(transaction=True)
                self.stream.finish(ids, pipeline)
                self._count(pipeline, applied, len(ids))
                pipeline.execute()
            except (OutOfMemoryError, ExecAbortError):
                if self._finish_alone(ids):
                    return
            except RedisError as error:
                self._outages.begin("Redis", error)
            else:
                self._is_full = False
                return
            if SHUTDOWN.wait(0.3):
                raise StoppedError

    def _finish_alone(self, ids: Sequence[bytes]) -> bool:
        """Acknowledge in a full Redis, which needs no memory and frees some. The schedule enqueues the lost wake-ups."""
        if not self._is_full:
            log.warning("Redis is full: what it holds is applied, without counts and wake-ups, until it has room")
            self._is_full = True
        try:
            self.stream.finish(ids)
        except RedisError as error:
            self._outages.begin("Redis", error)
            return False
        return True

    def _count(self, pipeline: Any, applied: Sequence[Applied], events: int) -> None:
        totals = {"events": events}
        for part in applied:
            for name, number in part.counts.items():
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
            self._outages.begin("the database", error)
        else:
            self._after_commit([applied], [])

    def _send_heartbeat(self) -> None:
        if time.monotonic() - self._beat_at >= BEAT_SECONDS:
            try:
                self.rt.redis.set(BEAT_KEY, self.name, ex=BEAT_EXPIRES_SECONDS)
            except OutOfMemoryError:  # reading frees memory: go on, and extend the last heartbeat, which needs none
                self.rt.redis.expire(BEAT_KEY, BEAT_EXPIRES_SECONDS)
            self._beat_at = time.monotonic()

    def _leave(self) -> None:
        try:
            self.stream.leave(self.name)
        except RedisError as error:
            log.info("left without a word: Redis is away (%s)", type(error).__name__)


def main() -> None:
    """Run a consumer until it is stopped."""
    configure_logs()
    stop_on_signals()
    rt = runtime()
    try:
        Consumer(rt).run()
    finally:
        rt.close()


if __name__ == "__main__":
    main()
