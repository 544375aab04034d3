"""The archive of a backup: a ZIP file whose last member, `manifest.json`, names every other with its size and SHA-256.

A file that was cut off has no directory at its end and no manifest, so it is refused.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from models.errors import OperatorError
from models.files import open_private, replace_file

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Table:
    """A table of PostgreSQL in the archive: its columns in the order of the rows, and how many rows there are."""

    columns: list[str]
    rows: int


@dataclass(slots=True)
class Manifest:
    """What an archive holds. `kind` is `sqlite` or `postgresql`, `revision` the schema's."""

    kind: str
    revision: str
    installation: str
    encryption_fingerprint: str
    epoch: int
    made_at: str
    format: int = FORMAT
    members: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Name → (bytes, SHA-256 in hexadecimal)."""
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    """Name of a sequence → its last value."""


class ArchiveWriter:
    """Writes an archive aside; it takes its place when everything is written and on the disk."""

    def __init__(self, file: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip = file
        self.manifest = manifest

    @contextmanager
    def member(self, name: str) -> Iterator["_HashingFile"]:
        """A member to write to."""
        with self._zip.open(name, "w", force_zip64=True) as raw:
            hashing = _HashingFile(raw)
            yield hashing
        self.manifest.members[name] = (hashing.size, hashing.digest())

    def add_file(self, name: str, path: Path) -> None:
        """Add a file. Raises OSError if it cannot be read."""
        with path.open("rb") as source:
            self.add(name, source)

    def add(self, name: str, source: IO[bytes]) -> None:
        """Add the content of an open file. Raises OSError if it cannot be read."""
        with self.member(name) as target:
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk)


class _HashingFile:
    """A member that is being written."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, content: Any) -> None:
        """Append bytes."""
        self._raw.write(content)
        self._hash.update(content)
        self.size += len(content)

    def digest(self) -> str:
        """The SHA-256 of what was written."""
        return self._hash.hexdigest()


@contextmanager
def write_archive(path: Path, manifest: Manifest) -> Iterator[ArchiveWriter]:
    """Write an archive that only its owner may read. Raises OSError if it cannot be written; what stood there before then stays."""
    with replace_file(path) as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            yield ArchiveWriter(file, manifest)
            file.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
        raw.flush()
        os.fsync(raw.fileno())


class ArchiveReader:
    """An archive whose members were all compared with its manifest."""

    def __init__(self, file: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip = file
        self.manifest = manifest

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a member."""
        with self._zip.open(name) as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk

    def extract(self, name: str, path: Path) -> None:
        """Write a member to a file that only its owner may read, and to the disk."""
        with open_private(path, "wb") as target:
            for chunk in self.chunks(name):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open an archive and verify all of it. Raises OperatorError if it is none, is damaged, or is of a newer format."""
    try:
        with zipfile.ZipFile(path) as file:
            manifest = _read_manifest(path, file)
            _verify(path, file, manifest)
            yield ArchiveReader(file, manifest)
    except (zipfile.BadZipFile, EOFError) as error:
        raise OperatorError("{path}: this is no backup, or it was cut off", path=path) from error
    except OSError as error:
        raise OperatorError("{path}: cannot be read ({reason})", path=path, reason=error.strerror or error) from error


def _read_manifest(path: Path, file: zipfile.ZipFile) -> Manifest:
    try:
        stored = json.loads(file.read(MANIFEST))
        is_newer = int(stored["format"]) > FORMAT
        members = {name: (int(size), str(digest)) for name, (size, digest) in stored["members"].items()}
        tables = {name: Table(**table) for name, table in stored["tables"].items()}
        manifest = Manifest(**(stored | {"members": members, "tables": tables}))
    except (KeyError, ValueError, TypeError, AttributeError, zlib.error) as error:
        raise OperatorError("{path}: this is no backup of Hark", path=path) from error
    if is_newer:
        raise OperatorError("{path}: it was made by a newer version of Hark", path=path)
    return manifest


def _verify(path: Path, file: zipfile.ZipFile, manifest: Manifest) -> None:
    names = set(file.namelist()) - {MANIFEST}
    if names != set(manifest.members):
        raise OperatorError("{path}: it does not hold what its manifest names", path=path)
    for name, (size, digest) in manifest.members.items():
        if _measure(file, name) != (size, digest):
            raise OperatorError("{path}: {name} in it is damaged", path=path, name=name)


def _measure(file: zipfile.ZipFile, name: str) -> tuple[int, str] | None:
    """The size and the SHA-256 of a member; None if it cannot be read."""
    found, length = hashlib.sha256(), 0
    try:
        with file.open(name) as source:
            while chunk := source.read(CHUNK_BYTES):
                found.update(chunk)
                length += len(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return None
    return length, found.hexdigest()
