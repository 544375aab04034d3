"""Keeps the files that are samples of headers until a template is submitted, and uploads them to Meta then (docs/meta.md §6).

In a definition the sample of such a header is `file:` and the name under which the file is stored.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from admin.operations.media import sniff
from jobs.core.runtime import Runtime
from models.files import make_private_directory, replace_file
from models.templates.definition.problems import DefinitionError, Problem, Problems

PREFIX = "file:"
KINDS = {
    "IMAGE": ("image/jpeg", "image/png"),
    "VIDEO": ("video/mp4",),
    "GIF": ("video/mp4",),
    "DOCUMENT": ("application/pdf",),
}
"""What the resumable upload takes."""
MB = 1024 * 1024
SIZES = {"IMAGE": 5 * MB, "VIDEO": 16 * MB, "GIF": 7 * MB // 2, "DOCUMENT": 100 * MB}
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4", "application/pdf": ".pdf"}
UNREADABLE = "0:"
"""Stands where a file could not be read, so that nothing else is said of its sample."""
_NAME = re.compile(r"file:([0-9a-f]{64})(\.jpg|\.png|\.mp4|\.pdf)")
_METAS = re.compile(r"[0-9]+:")

Headers = Iterator[tuple[str, dict[str, Any], list[Any]]]


def is_metas_handle(handle: str) -> bool:
    """Whether a sample is a handle that Meta gave (`4::aW…`)."""
    return bool(_METAS.match(handle))


def sample_path(rt: Runtime, handle: str) -> Path | None:
    """Where the file of a sample is stored; None if the sample is no stored file."""
    match = _NAME.fullmatch(handle)
    return rt.settings.var_dir / "media" / f"{match[1]}{match[2]}" if match else None


def keep_sample(rt: Runtime, name: str, content: bytes, header_format: str, path: str) -> str:
    """Store a file as the sample of a header and return what stands for it in the definition. `path` is the field's.

    Raises DefinitionError if Meta does not take such a file for this header.
    """
    problems = Problems()
    kind = sniff(name, content)
    if header_format not in KINDS:
        problems.add(path, "a header of {kind} takes no file", kind=header_format)
    elif kind not in KINDS[header_format]:
        allowed = ", ".join(SUFFIXES[each][1:] for each in KINDS[header_format])
        problems.add(
            path, "{name} is {found}; a header of {kind} takes {allowed}", name=name, found=kind or "of no known kind",
            kind=header_format, allowed=allowed,
        )  # fmt: skip
    elif len(content) > SIZES[header_format]:
        problems.add(
            path, "{name} has {megabytes:.2f} MB; a header of {kind} takes at most {most:g} MB", name=name,
            megabytes=len(content) / MB, kind=header_format, most=SIZES[header_format] / MB,
        )  # fmt: skip
    if len(problems) or kind is None:
        raise DefinitionError("{problems}", problems=tuple(problems))
    stored = f"{hashlib.sha256(content).hexdigest()}{SUFFIXES[kind]}"
    directory = rt.settings.var_dir / "media"
    if not (directory / stored).exists():
        make_private_directory(directory)
        with replace_file(directory / stored) as file:
            file.write(content)
    return f"{PREFIX}{stored}"


def keep_files(rt: Runtime, definition: Any, directory: Path) -> list[Problem]:
    """Replace the paths in the headers of a definition's JSON by stored samples; they are relative to `directory`.

    Returns a problem for every file that cannot be read, or that the header does not take; its sample stays out.
    """
    problems: list[Problem] = []
    for path, header, handles in media_headers(definition):
        for place, handle in enumerate(handles):
            if isinstance(handle, str) and handle.strip() and not _stands_for_itself(handle):
                try:
                    handles[place] = _kept(rt, handle, header, directory, path)
                except DefinitionError as error:
                    problems += error.problems
                    handles[place] = UNREADABLE
    return problems


def _kept(rt: Runtime, handle: str, header: dict[str, Any], directory: Path, path: str) -> str:
    kind, problems = str(header.get("format", "")).upper(), Problems()
    most = max(SIZES.values())
    try:
        file = directory / handle
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        problems.add(
            path, "{name} is neither Meta's handle nor a file that can be read ({why})", name=handle[:200], why=why
        )
        raise DefinitionError("{problems}", problems=tuple(problems)) from error
    return keep_sample(rt, file.name, content, kind, path)


def unknown_samples(rt: Runtime, definition: Any) -> list[Problem]:
    """The samples that are neither Meta's handle nor a stored file: a link that Meta returned, a path, a file that is gone."""
    problems = Problems()
    for path, _, handles in media_headers(definition):
        for handle in handles:
            stored = sample_path(rt, handle) if isinstance(handle, str) else None
            if not isinstance(handle, str) or is_metas_handle(handle) or (stored is not None and stored.is_file()):
                continue
            if handle.startswith("https://"):
                problems.add(path, "is Meta's link to the sample; she wants the file again: choose it once more")
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
