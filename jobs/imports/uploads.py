"""Stores files that were uploaded to the panel for import: file, state, lock and rejects, from upload until 24 hours later.

Each has a directory under `var/imports` with an unguessable name and mode 0700. The file itself is deleted when its import is
over. A worker holds a lock that ends with its process.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from jobs.core.runtime import Runtime
from jobs.imports.reader import SheetChoices
from jobs.imports.result import ImportResult
from models.crypto import new_token
from models.files import open_private, replace_file
from models.imports.diff import MAX_TOLD

MAX_AGE_SECONDS = 24 * 3600
MAX_SHOWN = 200
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,60}")
_STATE, _REFUSED, _LOCK = "state.json", "refused.csv", "lock"
REFUSALS = "refusals"
"""The refused lines so far, one JSON object a line, until the CSV is written."""


class UploadKind(StrEnum):
    """What the file holds."""

    CONTACTS = "contacts"
    ORDERS = "orders"
    LIST = "list"
    """Phones of existing contacts, for a list."""


class UploadStage(StrEnum):
    """How far the import is; the values are stored."""

    MAPPING = "mapping"
    DRY_RUN = "looking"
    DRY_RUN_DONE = "looked"
    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"


UNDER_WAY = frozenset({UploadStage.DRY_RUN, UploadStage.IMPORTING})


@dataclass
class ImportFile:
    """The stored state of an upload. The counts are those of the current stage."""

    token: str
    name: str
    actor: str
    kind: UploadKind = UploadKind.CONTACTS
    stage: UploadStage = UploadStage.MAPPING
    columns: dict[str, str] = field(default_factory=dict)
    source: str = ""
    """Where the people agreed, for rows without a `consent_source`."""
    consents: dict[str, str] = field(default_factory=dict)
    """What the words of the consent column mean, by the word in lower case; empty: the consent stays as it was."""
    tag_separator: str = ""
    """What separates tags, as for `import_contacts`."""
    list_name: str = ""
    list_id: int = 0
    """0 until the import starts."""
    done: int = 0
    """Rows of completed turns; `seen` includes the current turn."""
    seen: int = 0
    total: int = 0
    tries: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused_total: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    """The first `MAX_SHOWN` of them."""
    warnings_total: int = 0
    warnings: list[dict[str, Any]] = field(default_factory=list)
    """The first `MAX_SHOWN` cells that were left out of rows that are imported (`ImportResult.warnings`)."""
    encoding: str = ""
    """How the text of a CSV file was read."""
    chosen_encoding: str = ""
    """How the file is to be read, as in `SheetChoices`; empty and None: it is recognised."""
    sheet: str = ""
    header_row: int | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    """`{"line", "what"}` of the first lines that change something (`ImportResult.changes`)."""
    problem: str = ""
    """Why it failed, in one line."""

    @property
    def choices(self) -> SheetChoices:
        """How the file is to be read."""
        return SheetChoices(self.chosen_encoding or None, self.sheet or None, self.header_row)

    def begin(self, stage: UploadStage) -> None:
        """Start a stage: reset the counts."""
        self.stage, self.problem, self.refused, self.told, self.warnings = stage, "", [], [], []
        self.done = self.seen = self.total = self.tries = 0
        self.created = self.updated = self.unchanged = self.refused_total = self.warnings_total = 0

    def add(self, result: ImportResult) -> None:
        """Add the result of a turn."""
        self.created += result.created
        self.updated += result.updated
        self.unchanged += result.unchanged
        self.refused_total += result.refused_total
        self.refused = sorted(self.refused + result.refused, key=lambda refusal: int(refusal["line"]))[:MAX_SHOWN]
        self.warnings_total += result.warnings_total
        self.warnings = (self.warnings + result.warnings)[:MAX_SHOWN]
        self.encoding = result.encoding or ""
        self.told = (self.told + result.changes)[:MAX_TOLD]
        self.done = self.seen = result.done
        self.total, self.tries = result.total, 0


def store_upload(
    rt: Runtime, name: str, content: bytes, actor: str, kind: UploadKind = UploadKind.CONTACTS, list_name: str = ""
) -> ImportFile:
    """Store an uploaded file, readable by its owner only. Deletes expired uploads first."""
    delete_expired_uploads(rt)
    upload = ImportFile(new_token(18), name, actor, kind, list_name=list_name)
    directory = uploads_directory(rt, upload.token)
    directory.mkdir(mode=0o700, parents=True)
    open_private(directory / _LOCK, "wb").close()
    upload_path(rt, upload).parent.mkdir(mode=0o700)
    with open_private(upload_path(rt, upload), "wb") as file:
        file.write(content)
    save_upload(rt, upload)
    return upload


def load_upload(rt: Runtime, token: str) -> ImportFile | None:
    """The state of an upload; None if there is none with this token."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        state = orjson.loads((uploads_directory(rt, token) / _STATE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return ImportFile(**state | {"stage": UploadStage(state["stage"]), "kind": UploadKind(state["kind"])})


def upload_path(rt: Runtime, upload: ImportFile) -> Path:
    """The path of the file itself, which exists until its import is over."""
    return uploads_directory(rt, upload.token) / "file" / upload.name


def load_rejects(rt: Runtime, token: str) -> Path | None:
    """The path of the CSV of refused rows; None if there is none."""
    return rejects_path(rt, token) if _TOKEN.fullmatch(token) and rejects_path(rt, token).exists() else None


def rejects_path(rt: Runtime, token: str) -> Path:
    """Where the CSV of refused rows is written."""
    return uploads_directory(rt, token) / _REFUSED


def delete_upload(rt: Runtime, token: str) -> None:
    """Delete an upload with its state and its rejects."""
    if _TOKEN.fullmatch(token):
        shutil.rmtree(uploads_directory(rt, token), ignore_errors=True)


def delete_expired_uploads(rt: Runtime) -> None:
    """Delete uploads that did not change for 24 hours and are not locked."""
    for directory in directories(rt):
        try:
            is_old = (directory / _STATE).stat().st_mtime < time.time() - MAX_AGE_SECONDS
        except OSError:  # an incomplete upload has no state yet
            is_old = directory.stat().st_mtime < time.time() - MAX_AGE_SECONDS
        if is_old and not is_locked(rt, directory.name):
            shutil.rmtree(directory, ignore_errors=True)


def list_uploads(rt: Runtime) -> list[ImportFile]:
    """The state of every stored upload."""
    uploads = (load_upload(rt, directory.name) for directory in directories(rt))
    return [upload for upload in uploads if upload is not None]


def uploads_directory(rt: Runtime, token: str) -> Path:
    """The directory of an upload."""
    return rt.settings.var_dir / "imports" / token


def save_upload(rt: Runtime, upload: ImportFile) -> None:
    """Write the state atomically."""
    with replace_file(uploads_directory(rt, upload.token) / _STATE) as file:
        file.write(orjson.dumps(asdict(upload)))


@contextmanager
def locked(rt: Runtime, token: str, seconds: float = 0.0) -> Iterator[bool]:
    """Hold the lock of an upload: True if this process has it, False if another has it or there is no such upload.

    Waits up to `seconds` for it.
    """
    if not _TOKEN.fullmatch(token):
        yield False
        return
    try:
        lock = os.open(uploads_directory(rt, token) / _LOCK, os.O_RDWR)
    except OSError:
        yield False
        return
    try:
        yield _acquire(lock, time.monotonic() + seconds)
    finally:
        os.close(lock)


def is_locked(rt: Runtime, token: str) -> bool:
    """Whether a process holds the lock."""
    with locked(rt, token) as is_free:
        return not is_free and (uploads_directory(rt, token) / _LOCK).exists()


def directories(rt: Runtime) -> list[Path]:
    """The directory of each upload."""
    try:
        return [path for path in (rt.settings.var_dir / "imports").iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []


def _acquire(lock: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True
