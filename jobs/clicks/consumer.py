"""Reads requests for tracked links from their stream and stores them in batches (`python -m jobs.clicks`).

Any number of consumers may run. A batch is one transaction, and is acknowledged after its commit: after a crash it is read again
and stored once. While the database or Redis cannot be reached, requests wait in the stream. It is a process of its own, so that
clicks never stand before webhooks.
"""

import logging
import os
import socket
import time
from collections.abc import Sequence
from uuid import uuid4

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot.links.requests import click_stream, read_entry
from bot.webhooks.stream import Entry
from jobs.core.db_errors import may_be_an_outage
from jobs.core.logs import configure_logs, described
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN, stop_on_signals
from jobs.ingest.batch import OutageClock, StoppedError
from models.clicks.store import NewClick, store_clicks

log = logging.getLogger("hark.clicks")

READ = 1_000
"""Entries of one transaction."""
BLOCK_MS = 500
GATHER_SECONDS = 0.5
"""Least time between two batches that are not full: clicks are no hurry, and each commit costs the same."""
TAKE_OVER_SECONDS = 5.0
WAIT_SECONDS = 0.5


class ClickConsumer:
    """One consumer of the stream, with a unique name."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.stream = click_stream(rt.redis)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._outages = OutageClock()
        self._took_over_at = float("-inf")

    def run(self) -> None:
        """Store batches until `SHUTDOWN` is set."""
        while not SHUTDOWN.is_set():
            try:
                began = time.monotonic()
                count = self.run_once(BLOCK_MS)
                if count < READ:
                    SHUTDOWN.wait(max(0.0, began + GATHER_SECONDS - time.monotonic()))
            except RedisError as error:
                self._outages.begin("Redis", error)
                SHUTDOWN.wait(WAIT_SECONDS)
            except StoppedError:
                break
        self._leave()

    def run_once(self, block_ms: int | None = None) -> int:
        """Store one batch; return its number of entries.

        Raises RedisError if Redis cannot be reached, and StoppedError if the process is to stop while the database is away.
        """
        entries = self._read(block_ms)
        self._outages.end("Redis")
        clicks = [click for entry in entries if (click := _read(entry)) is not None]
        self._store(clicks, entries)
        self.stream.finish([entry.id for entry in entries])
        return len(entries)

    def _read(self, block_ms: int | None) -> list[Entry]:
        if time.monotonic() - self._took_over_at > TAKE_OVER_SECONDS:
            taken = self.stream.take_over(self.name, READ)
            if taken:
                return taken
            self._took_over_at = time.monotonic()
        return self.stream.read(self.name, READ, block_ms)

    def _store(self, clicks: Sequence[NewClick], entries: Sequence[Entry]) -> None:
        while True:
            try:
                with self.rt.database.write() as session:
                    store_clicks(session, clicks)
            except (SQLAlchemyError, OSError) as error:
                if not may_be_an_outage(error) and len(clicks) == 1:
                    log.warning("a click is dropped: %s", described(error))
                    return
                if not may_be_an_outage(error):
                    for click in clicks:  # one of them is at fault
                        self._store([click], entries)
                    return
                self._outages.begin("the database", error)
                if SHUTDOWN.wait(WAIT_SECONDS):
                    raise StoppedError from error
                self.stream.hold(self.name, [entry.id for entry in entries])
            else:
                self._outages.end("the database")
                return

    def _leave(self) -> None:
        try:
            self.stream.leave(self.name)
        except RedisError as error:
            log.info("left without a word: Redis is away (%s)", type(error).__name__)


def _read(entry: Entry) -> NewClick | None:
    """None, and a line in the log, for an entry that is not of our form."""
    try:
        request = read_entry(entry.raw)
        milliseconds, _, sequence = entry.id.decode().partition("-")
        return NewClick(
            int(milliseconds),
            int(sequence),
            request.link_id,
            request.recipient_id,
            request.kind,
            request.device,
            request.at,
        )
    except (ValueError, OverflowError) as error:
        log.warning("an entry of the clicks is dropped: %s", type(error).__name__)
        return None


def main() -> None:
    """Run a consumer until it is stopped."""
    configure_logs()
    stop_on_signals()
    rt = runtime()
    try:
        ClickConsumer(rt).run()
    finally:
        rt.close()


if __name__ == "__main__":
    main()
