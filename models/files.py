"""Files that appear whole or not at all, and that nobody else may read."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

PRIVATE = 0o600
PRIVATE_DIRECTORY = 0o700
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
        _sync(aside)  # by its name: who wrote through a wrapper may have closed the file
        aside.replace(path)
        sync_directory(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def make_private_directory(path: Path) -> None:
    """Make a directory that nobody else may enter, with those above it. Raises OSError if it cannot be made."""
    for directory in reversed([path, *path.parents]):
        with suppress(FileExistsError):
            directory.mkdir(mode=PRIVATE_DIRECTORY)


def create_private(path: Path) -> None:
    """Make an empty file that nobody else may read, where there is none. Raises OSError if it cannot be made."""
    if not path.exists():
        make_private_directory(path.parent)
        open_private(path, "ab").close()


def make_private(directory: Path) -> None:
    """Take from everybody else what an earlier version left open of a directory: its files, folders and sockets."""
    for folder, names, files in os.walk(directory):
        for path in (Path(folder), *(Path(folder) / name for name in (*names, *files))):
            with suppress(OSError):  # what belongs to another user stays as it is
                mode = path.lstat().st_mode
                if not stat.S_ISLNK(mode) and mode & 0o077:
                    path.chmod(stat.S_IMODE(mode) & 0o700)


def sync_file(file: IO[Any]) -> None:
    """Have what was written on the disk. Raises OSError if it cannot be."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Have the names of new and renamed files on the disk. Raises OSError if they cannot be."""
    _sync(directory)


def aside_of(path: Path) -> Path:
    """Where this process writes what is to become `path`: in the same folder, hidden."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def _open(path: Path, mode: str, permissions: int) -> IO[Any]:
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, permissions))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
