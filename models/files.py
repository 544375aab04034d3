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
    """Write a file aside; it takes the place of `path` when the block ends without an error.

    Raises OSError if it cannot be written; what stood there before then stays.
    """
    aside = aside_of(path)
    try:
        with _open(aside, "wb", permissions) as file:
            yield file
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def aside_of(path: Path) -> Path:
    """Where this process writes what is to become `path`: in the same folder, hidden."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def _open(path: Path, mode: str, permissions: int) -> IO[Any]:
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, permissions))
