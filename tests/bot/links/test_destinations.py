"""Destinations in memory: one read for many, and a flood of made-up numbers is no flood of reads."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from bot.links import destinations as module
from bot.links.destinations import (
    KEPT_SECONDS,
    MAX_READ,
    MAX_WAITING,
    MISSING_SECONDS,
    Destination,
    Destinations,
    DestinationsUnavailableError,
)

SHOP = Destination("https://shop.example.com/", "key")


class Links:
    """A database with the links 1 to 9, and the clock."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.now = 0.0
        self.error: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def read(self, ids: Sequence[int]) -> Mapping[int, Destination]:
        self.reads.append(list(ids))
        self.may_answer.wait(10)
        if self.error is not None:
            raise self.error
        return {key: SHOP for key in ids if key < 10}


def run(links: Links, work: Callable[[Destinations], Awaitable[None]]) -> None:
    async def inside() -> None:
        kept = Destinations(links.read, lambda: links.now)
        try:
            await work(kept)
        finally:
            links.may_answer.set()
            kept.close()

    asyncio.run(inside())


def test_a_link_is_read_once_a_minute_and_a_missing_one_once_in_some_seconds() -> None:
    links = Links()

    async def work(kept: Destinations) -> None:
        for _ in range(3):
            assert await kept.find(1) == SHOP
            assert await kept.find(10) is None
        assert links.reads == [[1], [10]]
        links.now = MISSING_SECONDS
        assert (await kept.find(1), await kept.find(10)) == (SHOP, None)
        assert links.reads == [[1], [10], [10]]
        links.now = KEPT_SECONDS
        assert await kept.find(1) == SHOP
        assert links.reads[3:] == [[1]]

    run(links, work)


def test_all_that_wait_share_a_read_and_a_flood_is_bounded() -> None:
    links = Links()

    async def work(kept: Destinations) -> None:
        links.may_answer.clear()
        asked = [asyncio.create_task(kept.find(1)) for _ in range(50)]
        flood = [asyncio.create_task(kept.find(100 + number)) for number in range(MAX_WAITING + 500)]
        await asyncio.sleep(0.05)
        links.may_answer.set()
        assert await asyncio.gather(*asked) == [SHOP] * 50
        answers = await asyncio.gather(*flood, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, DestinationsUnavailableError)]
        assert len(refused) == 501
        assert len(links.reads) <= MAX_WAITING / MAX_READ + 2
        assert max(map(len, links.reads)) <= MAX_READ

    run(links, work)


def test_a_database_that_fails_or_hangs_is_said_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.05)
    links = Links()

    async def work(kept: Destinations) -> None:
        links.error = OSError("away")
        with pytest.raises(DestinationsUnavailableError):
            await kept.find(1)
        links.error = None
        links.may_answer.clear()
        with pytest.raises(DestinationsUnavailableError):
            await kept.find(1)
        links.may_answer.set()
        assert await kept.find(1) == SHOP

    run(links, work)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 2)
    monkeypatch.setattr(module, "MAX_MISSING", 2)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    links = Links()

    async def work(kept: Destinations) -> None:
        for key in (1, 2, 3, 11, 12, 13):
            await kept.find(key)
        links.reads.clear()
        for key in (2, 3, 12, 13):
            await kept.find(key)
        assert links.reads == []
        await kept.find(1)
        await kept.find(11)
        assert links.reads == [[1], [11]]

    run(links, work)
