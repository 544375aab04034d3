"""Files that appear whole or not at all, and that nobody else may read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PRIVATE = 0o600
PUBLIC = 0o666
"""Less what the process's umask takes away."""


def open_private(path: Path, mode: str) -> IO[Any]:
    """Open for writing a file that nobody else may read."""
    return _open(path, mode, PRIVATE)


@contextmanager
def replace_file(path: Path, permissions: int = PRIVATE) -> Iterator[IO[bytes]]:
    """Write a file aside; it takes the place of `path` when the block ends without an error, and is on the disk then.

    Raises OSError if it cannot be written; what stood there before then stays, after a power cut as well.
    """
    aside = aside_of(path)
    try:
        with _open(aside, "wb", permissions) as file:
            yield file
            sync_file(file)
        aside.replace(path)
        sync_directory(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def sync_file(file: IO[Any]) -> None:
    """Have what was written on the disk. Raises OSError if it cannot be."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Have the names of new and renamed files on the disk. Raises OSError if they cannot be."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def aside_of(path: Path) -> Path:
    """Where this process writes what is to become `path`: in the same folder, hidden."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def _open(path: Path, mode: str, permissions: int) -> IO[Any]:
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, permissions))
