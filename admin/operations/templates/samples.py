"""Keeps the files that are samples of headers in the media library, and uploads them to Meta when a template is submitted.

In a definition the sample of such a header is `file:`, the SHA-256 of the file and its extension (docs/meta.md §6).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.media.incoming import chunks_of
from jobs.media.kinds import EXTENSIONS, HEADER_KINDS, TYPE_NOUNS
from jobs.media.library import add_media, files_for_header
from jobs.media.references import OpenMedium, open_medium
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.media import MediaFile
from models.templates.definition.problems import DefinitionError, Problem, Problems

PREFIX = "file:"
SAMPLES = frozenset({"image/jpeg", "image/png", "video/mp4", "application/pdf"})
"""What the resumable upload takes, of what the library does."""
MAX_OFFERED = 50
"""How many files of the library a list offers: the newest. Others are uploaded again, which stores nothing twice."""
UNREADABLE = "0:"
"""Stands where a file could not be read, so that nothing else is said of its sample."""
_NAME = re.compile(r"file:([0-9a-f]{64})(\.jpg|\.png|\.mp4|\.pdf)")
_METAS = re.compile(r"[0-9]+:")

Headers = Iterator[tuple[str, dict[str, Any], list[Any]]]


def is_metas_handle(handle: str) -> bool:
    """Whether a sample is a handle that Meta gave (`4::aW…`)."""
    return bool(_METAS.match(handle))


def sample_sha256(handle: object) -> str | None:
    """The SHA-256 of a sample's file in the library; None if the sample is none of its files."""
    match = _NAME.fullmatch(handle) if isinstance(handle, str) else None
    return match[1] if match else None


def is_kept(rt: Runtime, handle: object) -> bool:
    """Whether the library has the file of a sample."""
    sha256 = sample_sha256(handle)
    query = select(MediaFile.id).where(MediaFile.sha256 == sha256, MediaFile.deleted_at.is_(None))
    with rt.database.read() as session:
        return sha256 is not None and session.scalar(query) is not None


def open_sample(rt: Runtime, handle: str) -> AbstractContextManager[OpenMedium]:
    """The file of a sample, opened. Raises OperatorError if the library does not have it."""
    sha256 = sample_sha256(handle)
    if sha256 is None:
        raise OperatorError("the sample {sample} is no stored file", sample=handle)
    return open_medium(rt, sha256)


def keep_sample(rt: Runtime, name: str, chunks: Iterable[bytes], header_format: str, path: str, actor: str) -> str:
    """Add a file to the library as the sample of a header; returns what stands for it in the definition. `path` is the field's.

    Raises DefinitionError if Meta does not take such a file for this header.
    """
    problems = Problems()
    if header_format not in HEADER_KINDS:
        problems.add(path, "a header of {kind} takes no file", kind=header_format)
        raise DefinitionError("{problems}", problems=tuple(problems))
    try:
        row = add_media(rt, name, chunks, actor, utcnow(), header_format)
    except OperatorError as error:
        problems.add(path, "{why}", why=error)
        raise DefinitionError("{problems}", problems=tuple(problems)) from error
    return sample_of(row, path)


def library_samples(rt: Runtime, header_format: str) -> list[tuple[str, str]]:
    """The newest files of the library that can be the sample of such a header: what stands for each in a definition, its name."""
    if header_format not in HEADER_KINDS:
        return []
    query = files_for_header(header_format).where(MediaFile.mime_type.in_(SAMPLES))
    with rt.database.read() as session:
        rows = session.scalars(query.order_by(MediaFile.id.desc()).limit(MAX_OFFERED)).all()
        return [(sample_of(row, ""), row.name) for row in rows]


def is_sample_for(rt: Runtime, handle: str, header_format: str) -> bool:
    """Whether it stands for a file of the library that such a header takes."""
    sha256 = sample_sha256(handle)
    if sha256 is None or header_format not in HEADER_KINDS:
        return False
    with rt.database.read() as session:
        query = files_for_header(header_format).where(MediaFile.sha256 == sha256, MediaFile.mime_type.in_(SAMPLES))
        return session.scalars(query).first() is not None


def sample_of(row: MediaFile, path: str) -> str:
    """What stands for a file of the library in a definition. Raises DefinitionError if Meta takes no sample of this type."""
    if row.mime_type not in SAMPLES:
        problems = Problems()
        problems.add(
            path,
            "{name} is {what}: samples are JPEG, PNG, MP4 and PDF",
            name=row.name,
            what=TYPE_NOUNS.get(row.mime_type, row.mime_type),
        )
        raise DefinitionError("{problems}", problems=tuple(problems))
    return f"{PREFIX}{row.sha256}{EXTENSIONS[row.mime_type][0]}"


def keep_files(rt: Runtime, definition: Any, directory: Path, actor: str) -> list[Problem]:
    """Replace the paths in the headers of a definition's JSON by stored samples; they are relative to `directory`.

    Returns a problem for every file that cannot be read, or that the header does not take; its sample stays out.
    """
    problems: list[Problem] = []
    for path, header, handles in media_headers(definition):
        for place, handle in enumerate(handles):
            if isinstance(handle, str) and handle.strip() and not _stands_for_itself(handle):
                try:
                    handles[place] = _kept(rt, handle, header, directory / handle, path, actor)
                except DefinitionError as error:
                    problems += error.problems
                    handles[place] = UNREADABLE
    return problems


def _kept(rt: Runtime, handle: str, header: dict[str, Any], file: Path, path: str, actor: str) -> str:
    kind, problems = str(header.get("format", "")).upper(), Problems()
    try:
        with file.open("rb") as opened:
            return keep_sample(rt, file.name, chunks_of(opened), kind, path, actor)
    except OperatorError:
        raise
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        problems.add(
            path, "{name} is neither Meta's handle nor a file that can be read ({why})", name=handle[:200], why=why
        )
        raise DefinitionError("{problems}", problems=tuple(problems)) from error


def unknown_samples(rt: Runtime, definition: Any) -> list[Problem]:
    """The samples that are neither Meta's handle nor a stored file: a link that Meta returned, a path, a file that is gone."""
    problems = Problems()
    for path, _, handles in media_headers(definition):
        for handle in handles:
            if not isinstance(handle, str) or is_metas_handle(handle) or is_kept(rt, handle):
                continue
            if handle.startswith("https://"):
                problems.add(path, "is a link to Meta's copy; Meta wants the file again: choose it once more")
            else:
                problems.add(path, "is neither Meta's handle nor a file that was uploaded here")
    return list(problems)


def with_handles(definition: Any, upload: Callable[[str], str]) -> None:
    """Replace the stored samples in a definition's JSON by what `upload` returns for each, once per file."""
    uploaded: dict[str, str] = {}
    for _, _, handles in media_headers(definition):
        for place, handle in enumerate(handles):
            if isinstance(handle, str) and handle.startswith(PREFIX):
                uploaded[handle] = uploaded.get(handle) or upload(handle)
                handles[place] = uploaded[handle]


def media_headers(definition: Any) -> Headers:
    """The headers of a definition's JSON with samples, in cards too: path of the sample, header, list of samples."""
    for place, part in enumerate(_list(definition, "components")):
        yield from _samples(part, f"components[{place}]")
        for number, card in enumerate(_list(part, "cards")):
            for inner in _list(card, "components"):
                yield from _samples(inner, f"components[{place}].cards[{number}].header")


def _samples(part: Any, path: str) -> Headers:
    example = part.get("example") if isinstance(part, dict) else None
    handles = example.get("header_handle") if isinstance(example, dict) else None
    if isinstance(example, dict) and isinstance(handles, str):
        handles = example["header_handle"] = [handles]
    if isinstance(handles, list):
        yield f"{path}.example.header_handle", part, handles


def _list(part: Any, key: str) -> list[Any]:
    value = part.get(key) if isinstance(part, dict) else None
    return value if isinstance(value, list) else []


def _stands_for_itself(handle: str) -> bool:
    return is_metas_handle(handle) or bool(_NAME.fullmatch(handle)) or handle.startswith("https://")
