"""Files that somebody brought to the panel to be imported, kept from the upload to the end of their import and a day longer.

Each has a directory under var/imports whose name nobody can guess, and which nobody else can read: the file, which goes when
its import is over, what is known of it, and the rows that were refused. Whoever works on
one holds a lock that dies with the process.
"""

import csv
import fcntl
import io
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from jobs.core.runtime import Runtime
from jobs.imports.result import ImportResult
from models.crypto import new_token
from models.files import open_private, replace_file
from models.imports.diff import MAX_TOLD

KEPT_SECONDS = 24 * 3600
MAX_SHOWN = 200
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,60}")
_STATE, _REFUSED, _LOCK = "state.json", "refused.csv", "lock"
REFUSALS = "refusals"
"""What was refused so far, a line of JSON each, until the CSV is written."""
FORGET_SECONDS = 2.0
"""So long forgetting a person waits for whoever works on a file."""


class UploadKind(StrEnum):
    """What is in it."""

    CONTACTS = "contacts"
    ORDERS = "orders"
    LIST = "list"
    """People who are contacts already, for a list."""


class UploadStage(StrEnum):
    """How far it is."""

    MAPPING = "mapping"
    LOOKING = "looking"
    LOOKED = "looked"
    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"


UNDER_WAY = frozenset({UploadStage.LOOKING, UploadStage.IMPORTING})


@dataclass
class ImportFile:
    """What is known of one. The counts are of the stage at hand."""

    token: str
    name: str
    actor: str
    kind: UploadKind = UploadKind.CONTACTS
    stage: UploadStage = UploadStage.MAPPING
    columns: dict[str, str] = field(default_factory=dict)
    source: str = ""
    """Where the people agreed, for rows that do not say."""
    list_name: str = ""
    list_id: int = 0
    """Once it is being filled."""
    done: int = 0
    """Rows whose turn was ended; `seen` are those of the turn at hand too."""
    seen: int = 0
    total: int = 0
    tries: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused_total: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    """The first of them."""
    told: list[dict[str, Any]] = field(default_factory=list)
    """What would change on the first lines that would change something."""
    problem: str = ""
    """One line, where it failed."""

    def begin(self, stage: UploadStage) -> None:
        """Start the stage with nothing counted."""
        self.stage, self.problem, self.refused, self.told = stage, "", [], []
        self.done = self.seen = self.total = self.tries = 0
        self.created = self.updated = self.unchanged = self.refused_total = 0

    def add(self, result: ImportResult) -> None:
        """Count a turn."""
        self.created += result.created
        self.updated += result.updated
        self.unchanged += result.unchanged
        self.refused_total += result.refused_total
        self.refused = sorted(self.refused + result.refused, key=lambda refusal: int(refusal["line"]))[:MAX_SHOWN]
        self.told = (self.told + result.told)[:MAX_TOLD]
        self.done = self.seen = result.done
        self.total, self.tries = result.total, 0


def store_upload(
    rt: Runtime, name: str, content: bytes, actor: str, kind: UploadKind = UploadKind.CONTACTS, list_name: str = ""
) -> ImportFile:
    """Put an uploaded file aside, readable by nobody else."""
    delete_expired_uploads(rt)
    found = ImportFile(new_token(18), name, actor, kind, list_name=list_name)
    directory = uploads_directory(rt, found.token)
    directory.mkdir(mode=0o700, parents=True)
    open_private(directory / _LOCK, "wb").close()
    upload_path(rt, found).parent.mkdir(mode=0o700)
    with open_private(upload_path(rt, found), "wb") as file:
        file.write(content)
    save_upload(rt, found)
    return found


def load_upload(rt: Runtime, token: str) -> ImportFile | None:
    """What is known of it; None where there is no such file."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        state = orjson.loads((uploads_directory(rt, token) / _STATE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return ImportFile(**state | {"stage": UploadStage(state["stage"]), "kind": UploadKind(state["kind"])})


def upload_path(rt: Runtime, found: ImportFile) -> Path:
    """Where the file itself is, until its import is over."""
    return uploads_directory(rt, found.token) / "file" / found.name


def load_rejects(rt: Runtime, token: str) -> Path | None:
    """The CSV of the rows that were refused, if any were."""
    return rejects_path(rt, token) if _TOKEN.fullmatch(token) and rejects_path(rt, token).exists() else None


def rejects_path(rt: Runtime, token: str) -> Path:
    """Where that CSV is, or would be."""
    return uploads_directory(rt, token) / _REFUSED


def delete_upload(rt: Runtime, token: str) -> None:
    """Forget it with all that was found of it."""
    if _TOKEN.fullmatch(token):
        shutil.rmtree(uploads_directory(rt, token), ignore_errors=True)


def delete_expired_uploads(rt: Runtime) -> None:
    """Files that nobody touched for a day, with what was said of them."""
    for directory in _directories(rt):
        try:
            is_old = (directory / _STATE).stat().st_mtime < time.time() - KEPT_SECONDS
        except OSError:  # half of an upload
            is_old = directory.stat().st_mtime < time.time() - KEPT_SECONDS
        if is_old and not is_locked(rt, directory.name):
            shutil.rmtree(directory, ignore_errors=True)


def redact_uploads(rt: Runtime, names: Callable[[str], bool]) -> None:
    """Take what names a person out of what is kept of files' rows; `names` says it of a text."""
    for directory in _directories(rt):
        with locked(rt, directory.name, FORGET_SECONDS):
            for path in (directory / _REFUSED, directory / REFUSALS):
                _without_lines(path, names)
            found = load_upload(rt, directory.name)
            if found is None:
                continue
            refused = [item for item in found.refused if not names(str(item["reason"]))]
            told = [item for item in found.told if not names(str(item["what"]))]
            if (refused, told) != (found.refused, found.told):
                found.refused, found.told = refused, told
                save_upload(rt, found)


def _without_lines(path: Path, names: Callable[[str], bool]) -> None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file)) if path.suffix == ".csv" else [[line] for line in file]
    except OSError:
        return
    left = [row for row in rows if not any(names(cell) for cell in row)]
    if len(left) == len(rows):
        return
    with replace_file(path) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            csv.writer(file, lineterminator="\r\n").writerows(left)
        else:
            file.writelines(row[0] for row in left)


def list_uploads(rt: Runtime) -> list[ImportFile]:
    """All that are kept."""
    known = (load_upload(rt, directory.name) for directory in _directories(rt))
    return [found for found in known if found is not None]


def uploads_directory(rt: Runtime, token: str) -> Path:
    """Where everything of one is."""
    return rt.settings.var_dir / "imports" / token


def save_upload(rt: Runtime, found: ImportFile) -> None:
    """Whole or not at all."""
    with replace_file(uploads_directory(rt, found.token) / _STATE) as file:
        file.write(orjson.dumps(asdict(found)))


@contextmanager
def locked(rt: Runtime, token: str, seconds: float = 0.0) -> Iterator[bool]:
    """Whether this process, and no other, works on it; waits so long for whoever only looks."""
    if not _TOKEN.fullmatch(token):
        yield False
        return
    try:
        lock = os.open(uploads_directory(rt, token) / _LOCK, os.O_RDWR)
    except OSError:
        yield False
        return
    try:
        yield _take(lock, time.monotonic() + seconds)
    finally:
        os.close(lock)


def is_locked(rt: Runtime, token: str) -> bool:
    """Whether somebody works on it."""
    with locked(rt, token) as is_free:
        return not is_free and (uploads_directory(rt, token) / _LOCK).exists()


def _directories(rt: Runtime) -> list[Path]:
    try:
        return [path for path in (rt.settings.var_dir / "imports").iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []


def _take(lock: int, ends: float) -> bool:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= ends:
                return False
            time.sleep(0.02)
        else:
            return True
