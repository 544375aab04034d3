"""A pipe that is as long as it must be: a little memory, then a file."""

import asyncio
import random
from pathlib import Path

import pytest

from admin.front import spool as spool_module
from admin.front.spool import MEMORY_BYTES, NoRoomError, Spool, SpoolSpace

MIB = 1024 * 1024


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("pace", ["writer first", "reader first", "in turn"])
def test_the_reader_gets_what_was_written(tmp_path: Path, pace: str) -> None:
    chance = random.Random(7)
    chunks = [chance.randbytes(chance.choice([1, 1000, 65_536, 300_000])) for _ in range(60)]
    space = SpoolSpace(tmp_path, 100 * MIB, 100 * MIB)

    async def write(spool: Spool) -> None:
        for chunk in chunks:
            await spool.write(chunk)
            if pace == "in turn":
                await asyncio.sleep(chance.choice([0, 0.001]))
        spool.end()

    async def run() -> bytes:
        with Spool(space, "somebody") as spool:
            writing = asyncio.create_task(write(spool))
            if pace == "writer first":
                await writing
                assert space.used > MIB
            read = b"".join([chunk async for chunk in spool])
            await writing
            assert spool.size == len(read)
            return read

    before = open_files()
    assert asyncio.run(run()) == b"".join(chunks)
    assert (space.used, list(tmp_path.iterdir())) == (0, [])
    assert open_files() <= before


def test_a_little_needs_no_file_and_no_room(tmp_path: Path) -> None:
    async def run() -> None:
        with Spool(SpoolSpace(tmp_path / "nowhere", 0, 0)) as spool:
            for _ in range(1000):
                await spool.write(b"x" * MEMORY_BYTES)
                assert len(await spool.read()) == MEMORY_BYTES

    asyncio.run(run())


def test_one_client_takes_no_more_than_its_share_and_gives_it_back(tmp_path: Path) -> None:
    space = SpoolSpace(tmp_path, 4 * MIB, 2 * MIB)

    async def fill(owner: str) -> int:
        with Spool(space, owner) as spool:
            while True:
                try:
                    await spool.write(b"x" * MEMORY_BYTES)
                except NoRoomError:
                    return spool.size

    async def run() -> None:
        with Spool(space, "one") as first:
            for _ in range(17):
                await first.write(b"x" * MEMORY_BYTES)
            assert await fill("one") == MEMORY_BYTES
            assert await fill("two") == MEMORY_BYTES + 2 * MIB
        assert await fill("one") == MEMORY_BYTES + 2 * MIB

    asyncio.run(run())
    assert space.used == 0


def test_on_a_disk_that_is_nearly_full_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MIN_FREE_BYTES", 1 << 62)

    async def run() -> None:
        with Spool(SpoolSpace(tmp_path, 100 * MIB, 100 * MIB)) as spool:
            await spool.write(b"x" * MEMORY_BYTES)
            with pytest.raises(NoRoomError):
                await spool.write(b"x")
            assert len(await spool.read()) == MEMORY_BYTES

    asyncio.run(run())


def test_the_writers_error_comes_after_the_rest(tmp_path: Path) -> None:
    async def run() -> None:
        with Spool(SpoolSpace(tmp_path, 0, 0)) as spool:
            await spool.write(b"half")
            spool.end(ConnectionError("gone"))
            assert await spool.read() == b"half"
            with pytest.raises(ConnectionError):
                await spool.read()

    asyncio.run(run())
