"""Removes a redacted person from uploads: rejects and state lose their lines; a file that names them is deleted."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.core.runtime import Runtime
from jobs.imports.uploads import (
    REFUSALS,
    ImportFile,
    UploadStage,
    directories,
    load_upload,
    locked,
    rejects_path,
    save_upload,
    upload_path,
    uploads_directory,
)
from models.files import open_private, replace_file

REDACT_WAIT_SECONDS = 2.0
"""How long the redaction of a person waits for a worker's lock."""
FLAG = "redact"
"""Lies in the directory of an upload whose file names somebody who was redacted while a worker had it."""
DELETED = "The file named somebody who was redacted, so it was deleted. Upload it again without them."
MAX_MEMBER_BYTES = 500_000_000
"""A part of a spreadsheet that unpacks to more is not searched: its file is deleted."""
_TAG = re.compile(rb"<[^>]*>")


def redact_uploads(rt: Runtime, matches: Callable[[str], bool]) -> None:
    """Remove a person from every upload; `matches` returns True for a text that names them.

    What a worker has at the moment loses its file when the worker's turn ends (`delete_flagged`).
    """
    for directory in directories(rt):
        with locked(rt, directory.name, REDACT_WAIT_SECONDS) as is_mine:
            for path in (rejects_path(rt, directory.name), directory / REFUSALS):
                _remove_lines(path, matches)
            upload = load_upload(rt, directory.name)
            if upload is None:
                continue
            is_named = _names_person(upload_path(rt, upload), matches)
            if is_named and not is_mine:
                open_private(directory / FLAG, "wb").close()
            if is_mine:
                _redact_state(rt, upload, matches)
                if is_named:
                    _delete_file(rt, upload)


def delete_flagged(rt: Runtime, upload: ImportFile) -> bool:
    """For the worker that holds the lock, after its turn: delete the file if it named somebody who was redacted meanwhile."""
    flag = uploads_directory(rt, upload.token) / FLAG
    if not flag.exists():
        return False
    if upload.stage is not UploadStage.DONE:
        _delete_file(rt, upload)
    flag.unlink(missing_ok=True)
    return True


def _delete_file(rt: Runtime, upload: ImportFile) -> None:
    upload_path(rt, upload).unlink(missing_ok=True)
    upload.stage, upload.problem = UploadStage.FAILED, DELETED
    save_upload(rt, upload)


def _redact_state(rt: Runtime, upload: ImportFile, matches: Callable[[str], bool]) -> None:
    refused = [entry for entry in upload.refused if not matches(str(entry["reason"]))]
    changes = [entry for entry in upload.told if not matches(str(entry["what"]))]
    warnings = [entry for entry in upload.warnings if not matches(str(entry["reason"]))]
    if (refused, changes, warnings) != (upload.refused, upload.told, upload.warnings):
        upload.refused, upload.told, upload.warnings = refused, changes, warnings
        save_upload(rt, upload)


def _names_person(path: Path, matches: Callable[[str], bool]) -> bool:
    """Whether a text or spreadsheet file names the person, in any encoding: letters of ASCII and digits are enough to tell."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                return any(_part_names(book, part, matches) for part in book.infolist())
        content = path.read_bytes()
    except OSError:
        return False
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return True  # nobody can read it to import it either
    return _text_names(content, matches)


def _part_names(book: zipfile.ZipFile, part: zipfile.ZipInfo, matches: Callable[[str], bool]) -> bool:
    if part.file_size > MAX_MEMBER_BYTES:
        return True
    if not part.filename.endswith(".xml"):
        return False
    with book.open(part) as file:
        return any(matches(text) for text in _cells(file.read(MAX_MEMBER_BYTES)))


def _cells(xml: bytes) -> Iterator[str]:
    """The texts between tags."""
    text = _TAG.sub(b"\n", xml).decode("utf-8", errors="replace")
    return (line for line in text.split("\n") if line.strip())


def _text_names(content: bytes, matches: Callable[[str], bool]) -> bool:
    text = content.replace(b"\x00", b"").decode("utf-8", errors="replace")  # UTF-16 without its zeros
    if not matches(text):
        return False  # at once: the search of the whole text finds more than that of its lines
    return any(matches(line) for line in text.splitlines())


def _remove_lines(path: Path, matches: Callable[[str], bool]) -> None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file)) if path.suffix == ".csv" else [[line] for line in file]
    except OSError:
        return
    remaining = [row for row in rows if not any(matches(cell) for cell in row)]
    if len(remaining) == len(rows):
        return
    with replace_file(path) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            csv.writer(file, lineterminator="\r\n").writerows(remaining)
        else:
            file.writelines(row[0] for row in remaining)
