"""Takes files in from a stream: to a file under `var/incoming`, hashed on the way, never whole in memory.

The file is gone when the block ends. What a process left that died is deleted by the next one that takes a file in, after a day.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from models.config import Settings
from models.crypto import new_token
from models.files import make_private_directory, open_private

CHUNK_BYTES = 256 * 1024
LEFT_OVER_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on the disk of this machine."""

    path: Path
    sha256: str
    size_bytes: int


class TooLongError(ValueError):
    """The stream is longer than allowed."""


@contextmanager
def take_in(settings: Settings, chunks: Iterable[bytes], max_bytes: int) -> Iterator[Incoming]:
    """Write a stream to a file for the length of the block.

    Raises TooLongError if it has over `max_bytes`, OSError if it cannot be written.
    """
    directory = _directory(settings)
    _delete_left_over(directory)
    path, digest, size = directory / new_token(18), hashlib.sha256(), 0
    try:
        with open_private(path, "xb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise TooLongError
                digest.update(chunk)
                file.write(chunk)
        yield Incoming(path, digest.hexdigest(), size)
    finally:
        path.unlink(missing_ok=True)


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The content of an open file."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def spooled(settings: Settings, chunks: Iterable[bytes]) -> IO[bytes]:
    """A stream as an open file without a name, read from its beginning; it is gone when it is closed or the process ends."""
    with ExitStack() as unless_written:
        file: IO[bytes] = unless_written.enter_context(TemporaryFile(dir=_directory(settings)))
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        unless_written.pop_all()
    return file


def _directory(settings: Settings) -> Path:
    directory = settings.var_dir / "incoming"
    make_private_directory(directory)
    return directory


def _delete_left_over(directory: Path) -> None:
    for path in directory.iterdir():
        with suppress(OSError):  # another process was quicker
            if path.stat().st_mtime < time.time() - LEFT_OVER_SECONDS:
                path.unlink()
