"""Buffers a body between a writer and a reader of different speed: a little in memory, the rest in a file without a name.

The file is gone with the process, however it ends.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator
from pathlib import Path

MEMORY_BYTES = 128 * 1024
READ_BYTES = 128 * 1024
MIN_FREE_BYTES = 256 * 1024 * 1024
"""What is left of the disk for the database and Redis, which need their next write more than this does."""


class NoRoomError(Exception):
    """The disk, or what bodies may fill of it, is full."""


class SpoolSpace:
    """Counts what all bodies under way fill of the disk of `directory`, in bytes."""

    def __init__(self, directory: Path, total: int, of_owner: int) -> None:
        self.directory = directory
        self.used = 0
        self._total = total
        self._most_of_owner = of_owner
        self._of_owner: Counter[str] = Counter()

    def take(self, owner: str | None, size: int) -> bool:
        """Whether there is room; then it is taken. `owner` None is bounded by the total alone."""
        if self.used + size > self._total or (owner and self._of_owner[owner] + size > self._most_of_owner):
            return False
        self.used += size
        if owner:
            self._of_owner[owner] += size
        return True

    def give_back(self, owner: str | None, size: int) -> None:
        """Free what was taken."""
        self.used -= size
        if owner:
            self._of_owner[owner] -= size
            if not self._of_owner[owner]:
                del self._of_owner[owner]

    def is_disk_full(self) -> bool:
        """Whether the disk has no more room for bodies."""
        return shutil.disk_usage(self.directory).free < MIN_FREE_BYTES


class _NamelessFile:
    """Closed when nobody uses it any more: a thread may still write when the request that wanted it is over."""

    def __init__(self, directory: Path) -> None:
        with tempfile.TemporaryFile(dir=directory) as file:
            self._descriptor = os.dup(file.fileno())

    def write(self, chunk: bytes, offset: int) -> None:
        while chunk:
            written = os.pwrite(self._descriptor, chunk, offset)
            chunk, offset = chunk[written:], offset + written

    def read(self, size: int, offset: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def empty(self) -> None:
        os.ftruncate(self._descriptor, 0)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


class Spool:
    """A pipe of bytes for one writer and one reader on one event loop. Use it as a context manager, which frees what it took."""

    def __init__(self, space: SpoolSpace, owner: str | None = None) -> None:
        self.size = 0
        """Everything that was written."""
        self._space = space
        self._owner = owner
        self._chunks: deque[bytes] = deque()
        self._in_memory = 0
        self._file: _NamelessFile | None = None
        self._file_end = self._file_read = self._taken = 0
        self._is_writing = self._is_over = False
        self._error: BaseException | None = None
        self._changed = asyncio.Event()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._chunks.clear()
        self._file = None
        self._free()

    async def write(self, chunk: bytes, grace: float = 0.0) -> None:
        """Add a chunk. Before the file is begun, wait `grace` seconds for the reader: a quick one needs none.

        Raises NoRoomError if the disk has none; what was written before can be read all the same.
        """
        if grace and not self._fits(chunk) and self._file_end == self._file_read:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    while not self._fits(chunk):
                        await self.wait_for_reader()
        if self._fits(chunk):
            self._chunks.append(chunk)
            self._in_memory += len(chunk)
        else:
            await self._write_to_file(chunk)
        self.size += len(chunk)
        self._changed.set()

    async def wait_for_reader(self) -> None:
        """Return once the reader took something of what is unread."""
        before = self._in_memory, self._file_read
        while before == (self._in_memory, self._file_read):
            self._changed.clear()
            await self._changed.wait()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing follows; with an `error` the reader gets it after the rest."""
        self._is_over, self._error = True, error
        self._changed.set()

    async def read(self) -> bytes:
        """Return the next bytes, empty at the end. Raises the error that the writer ended with."""
        while True:
            if self._chunks:
                chunk = self._chunks.popleft()
                self._in_memory -= len(chunk)
                self._changed.set()
                return chunk
            if self._file is not None and self._file_read < self._file_end:
                return await self._read_from_file(self._file)
            if self._is_over:
                if self._error is not None:
                    raise self._error
                return b""
            self._changed.clear()
            await self._changed.wait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield everything up to the end."""
        while chunk := await self.read():
            yield chunk

    def _fits(self, chunk: bytes) -> bool:
        """Whether the memory takes it: any chunk if it is empty, and none before what is in the file."""
        is_small = not self._in_memory or self._in_memory + len(chunk) <= MEMORY_BYTES
        return is_small and self._file_end == self._file_read

    async def _write_to_file(self, chunk: bytes) -> None:
        """In a thread: a busy disk must not hold up the webhooks."""
        if not self._space.take(self._owner, len(chunk)):
            raise NoRoomError("bodies under way fill what they may of the disk")
        self._taken += len(chunk)
        self._is_writing = True
        try:
            if self._file is None:
                if self._space.is_disk_full():
                    raise NoRoomError("the disk is nearly full")
                self._file = await asyncio.to_thread(_NamelessFile, self._space.directory)
            await asyncio.to_thread(self._file.write, chunk, self._file_end)
        except OSError as error:
            raise NoRoomError(error.strerror) from error
        finally:
            self._is_writing = False
        self._file_end += len(chunk)

    async def _read_from_file(self, file: _NamelessFile) -> bytes:
        size = min(READ_BYTES, self._file_end - self._file_read)
        chunk = await asyncio.to_thread(file.read, size, self._file_read)
        self._file_read += len(chunk)
        if self._file_read == self._file_end and not self._is_writing:
            file.empty()
            self._file_read = self._file_end = 0
            self._free()
        self._changed.set()
        return chunk

    def _free(self) -> None:
        self._space.give_back(self._owner, self._taken)
        self._taken = 0
