"""Keeps the destinations of tracked links in memory, a minute at most, and reads missing ones from the database.

However many ask for however many links, there is one read at a time, of all that wait, and a pause after each: a flood of made-up
numbers costs the database a fixed number of small reads a second. A number that is no link is remembered for some seconds.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from models.errors import HarkError

KEPT_SECONDS = 60.0
MISSING_SECONDS = 5.0
MAX_KEPT = 20_000
MAX_MISSING = 20_000
MAX_WAITING = 2_000
MAX_READ = 200
"""Links of one read."""
PAUSE_SECONDS = 0.02
DEADLINE_SECONDS = 2.0
THREADS = 2
"""One more than is needed: a read that is over its deadline keeps its thread until the database lets it go."""


class Destination(NamedTuple):
    """Where a link leads, and the key of its codes."""

    url: str
    key: str


ReadLinks = Callable[[Sequence[int]], Mapping[int, Destination]]
"""Reads the links of these numbers; one that does not exist is absent. Called in a thread."""


class DestinationsUnavailableError(HarkError):
    """The database did not say in time whether there is such a link."""


class Destinations:
    """Used from one event loop."""

    def __init__(self, read: ReadLinks, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._kept: OrderedDict[int, tuple[float, Destination | None]] = OrderedDict()
        """Number → until when, and the destination."""
        self._missing: OrderedDict[int, float] = OrderedDict()
        """Number that is no link → until when."""
        self._waiting: dict[int, asyncio.Future[Destination | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="links")

    async def find(self, link_id: int) -> Destination | None:
        """Return the destination, None if there is no such link.

        Raises DestinationsUnavailableError if the database is away or slow, or too many ask.
        """
        kept, now = self._kept.get(link_id), self._clock()
        if kept is not None and now < kept[0]:
            return kept[1]
        if now < self._missing.get(link_id, 0.0):
            return None
        waiting = self._waiting.get(link_id)
        if waiting is None:
            if len(self._waiting) >= MAX_WAITING:
                raise DestinationsUnavailableError("too many links are asked for")
            waiting = self._waiting[link_id] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._read_all())
        return await asyncio.shield(waiting)  # who goes away does not take it from the others

    def close(self) -> None:
        """Take no more reads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                ids = list(self._waiting)[:MAX_READ]
                try:
                    async with asyncio.timeout(DEADLINE_SECONDS):
                        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._read, ids)
                except Exception as error:  # noqa: BLE001 - whatever it is, nobody waits for ever
                    self._refuse(ids, type(error).__name__)
                else:
                    self._settle(ids, found)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._refuse(list(self._waiting), "stopped")
            self._task = None

    def _settle(self, ids: Sequence[int], found: Mapping[int, Destination]) -> None:
        now = self._clock()
        for link_id in ids:
            destination = found.get(link_id)
            if destination is None:
                self._kept.pop(link_id, None)
                self._missing[link_id] = now + MISSING_SECONDS
                _shorten(self._missing, MAX_MISSING)
            else:
                self._missing.pop(link_id, None)
                self._kept[link_id] = (now + KEPT_SECONDS, destination)
                self._kept.move_to_end(link_id)
                _shorten(self._kept, MAX_KEPT)
            waiting = self._waiting.pop(link_id)
            if not waiting.done():
                waiting.set_result(destination)

    def _refuse(self, ids: Sequence[int], reason: str) -> None:
        for link_id in ids:
            waiting = self._waiting.pop(link_id)
            if not waiting.done():
                waiting.set_exception(DestinationsUnavailableError(reason))
                waiting.exception()  # read: nobody may be waiting any more


def _shorten(kept: OrderedDict[int, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
