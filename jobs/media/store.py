"""Keeps the contents of media files: in files under `var/media`, or in a bucket that every host reaches (`MEDIA_STORE`).

A key is a file name without folders. Its content never changes, so a content that is there is the right one.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

from jobs.core.loader import load
from jobs.media.incoming import chunks_of
from models.config import Settings
from models.crypto import new_token
from models.errors import OperatorError
from models.files import make_private_directory, open_private, sync_directory, sync_file


class MediaStoreError(OperatorError):
    """The store cannot be read or written now; the same may work later."""


class MissingContentError(OperatorError):
    """The store does not have the content."""


class ContentStore(Protocol):
    """Where contents lie. Each method raises MediaStoreError if the store cannot be asked."""

    def put(self, key: str, path: Path) -> None:
        """Store the content of a file. It is there whole or not at all."""

    def fetch(self, key: str) -> IO[bytes]:
        """The content as an open file on this machine, which the caller closes. Raises MissingContentError if it is not there."""

    def has(self, key: str) -> bool:
        """Whether the content is there."""

    def delete(self, key: str) -> None:
        """Delete the content, if it is there."""

    def keys(self) -> Iterator[str]:
        """Every key."""


class DirectoryStore:
    """Contents as files of one directory, which all hosts share where there are several."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, key: str, path: Path) -> None:
        """Copied, not moved: the directory may lie on another disk."""
        try:
            with path.open("rb") as source:
                write_whole(self._path(key), chunks_of(source))
        except OSError as error:
            raise self._unusable(error) from error

    def fetch(self, key: str) -> IO[bytes]:
        """The file itself, opened."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise MissingContentError(
                "its content is not in {directory} of this machine; several machines need one MEDIA_STORE",
                directory=self._directory,
            ) from None
        except OSError as error:
            raise self._unusable(error) from error

    def has(self, key: str) -> bool:
        """Whether there is such a file."""
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        """Delete the file, and what a process left aside that died while it wrote it."""
        try:
            for path in (self._path(key), *self._directory.glob(f".{checked_key(key)}.*")):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def keys(self) -> Iterator[str]:
        """Without what is being written: those files are hidden."""
        if self._directory.is_dir():
            yield from sorted(path.name for path in self._directory.iterdir() if not path.name.startswith("."))

    def _path(self, key: str) -> Path:
        return self._directory / checked_key(key)

    def _unusable(self, error: OSError) -> MediaStoreError:
        reason = error.strerror or type(error).__name__
        return MediaStoreError("{directory} cannot be used ({reason})", directory=self._directory, reason=reason)


def media_store(settings: Settings) -> ContentStore:
    """The store of this installation. Raises OperatorError if `MEDIA_STORE` names a bucket and the extra for it is missing."""
    if settings.media_bucket is None:
        return DirectoryStore(settings.var_dir / "media")
    opened: ContentStore = load("jobs.media.bucket:open_bucket")(settings)
    return opened


def checked_key(key: str) -> str:
    """The key. Raises ValueError if it could lead out of the store; keys come from rows and from names in archives."""
    if not key or "/" in key or "\\" in key or "\0" in key or key in {".", ".."}:
        raise ValueError(f"{key!r} is no key of a store")
    return key


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a private file that appears whole or not at all, though several threads and machines write it at once.

    Raises OSError if it cannot be written.
    """
    make_private_directory(path.parent)
    aside = path.with_name(f".{path.name}.{new_token(6)}")
    try:
        with open_private(aside, "xb") as target:
            for chunk in chunks:
                target.write(chunk)
            sync_file(target)
        aside.replace(path)
        sync_directory(path.parent)
    finally:
        aside.unlink(missing_ok=True)
