"""The ingest: takes what the webhook kept, applies it, and only then lets it go. `python -m jobs.ingest`; any number of them.

A batch is one transaction. What cannot be applied is taken out of its batch and kept as a dead letter. The database or Redis
away is no fault of a payload: it waits. Killed at any instruction, everything is read again, and changes nothing twice.
"""

import logging
import os
import socket
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bot.stream import Entry, EventStream
from jobs.apply_events import COUNTS_KEY, Applied, guard_campaigns, retry_round, wake_after
from jobs.event_batch import Applier, StoppedError, Trouble, parse_entries, parts_of
from jobs.logs import configure_logs, described
from jobs.runtime import Runtime, runtime
from jobs.stopping import STOPPING, stop_on_signals
from models.inbox import ParkedStatus

log = logging.getLogger("hark.ingest")

BEAT_KEY = "hark:ingest:beat"
BEAT_EXPIRES_SECONDS = 10
BEAT_SECONDS = 2.0
MOST_ENTRIES = 1_000
MOST_BYTES = 8 * 1024 * 1024
READ_ENTRIES = 100
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


class Consumer:
    """One consumer of the stream, under a name of its own."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.stream = EventStream(rt.redis, rt.settings.stream_bound)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._held: list[bytes] = []
        self._beat_at = self._took_over_at = self._retried_at = float("-inf")
        self._cursor = 0
        self._trouble = Trouble()
        self._applier = Applier(rt, self._trouble, self._wait)

    def run(self) -> None:
        """Until STOPPING."""
        while not STOPPING.is_set():
            try:
                self.run_once(BLOCK_MS)
            except RedisError as error:
                self._trouble.begin("Redis", error)
                STOPPING.wait(0.3)
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
        if 0 < len(entries) < MOST_ENTRIES // 5:
            STOPPING.wait(max(0.0, begun + GATHER_SECONDS - time.monotonic()))
        return len(entries)

    def handle(self, entries: Sequence[Entry]) -> None:
        """Apply entries and let them go."""
        self._held = [entry.id for entry in entries]
        for part in parts_of(parse_entries(entries)):
            ids = [item.entry.id for item in part]
            applied = self._applier.apply(part)
            self._after_commit(applied, ids)
            self._held = self._held[len(ids) :]

    def _take(self, block_ms: int | None) -> list[Entry]:
        entries: list[Entry] = []
        if time.monotonic() - self._took_over_at > BEAT_SECONDS:
            self._took_over_at = time.monotonic()
            entries = self.stream.take_over(self.name, READ_ENTRIES)
            if entries:
                log.info("took over %d events of a consumer that is gone", len(entries))
        size = sum(len(entry.raw) for entry in entries)
        while len(entries) < MOST_ENTRIES and size < MOST_BYTES:
            some = self.stream.read(self.name, READ_ENTRIES, None if entries else block_ms)
            entries += some
            size += sum(len(entry.raw) for entry in some)
            if len(some) < READ_ENTRIES:
                break
        return entries

    def _wait(self, seconds: float) -> None:
        """Alive all the while: nobody is to take over what this one holds."""
        if STOPPING.wait(seconds):
            raise StoppedError
        try:
            self._beat()
            self.stream.hold(self.name, self._held)
        except RedisError as error:
            self._trouble.begin("Redis", error)

    def _after_commit(self, applied: Sequence[Applied], ids: Sequence[bytes]) -> None:
        """Wake-ups first: who dies before the acknowledgement is read again, and wakes again."""
        for one in applied:
            if one.failures:
                self._guard(one)
        while True:
            try:
                for one in applied:
                    wake_after(self.rt, one)
                pipeline = self.rt.redis.pipeline(transaction=True)
                self.stream.finish(ids, pipeline)
                self._count(pipeline, applied, len(ids))
                pipeline.execute()
            except RedisError as error:
                self._trouble.begin("Redis", error)
                if STOPPING.wait(0.3):
                    raise StoppedError from error
            else:
                return

    def _guard(self, applied: Applied) -> None:
        try:
            guard_campaigns(self.rt, applied)
        except (SQLAlchemyError, OSError) as error:
            log.warning("a decisive failure could not pause its campaign: %s", described(error))

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
            self.rt.redis.set(BEAT_KEY, self.name, ex=BEAT_EXPIRES_SECONDS)
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
