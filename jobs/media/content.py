"""Reads what a file is from its content, never from its name or from what a client says, and refuses what Meta refuses.

Only a bounded part of a file is read into memory, whatever is in it.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jobs.core.loader import load
from jobs.media import boxes, office
from jobs.media.kinds import (
    EXTENSIONS,
    HEADER_KINDS,
    IMAGE_TYPES,
    KIND_OF,
    PDF,
    TEXT,
    TYPE_NOUNS,
    VIDEO_TYPES,
    check_header,
    check_size,
    kind_by_name,
    wrong_kind,
)
from models.errors import OperatorError
from models.tables.media import MediaKind
from models.text import Text

HEAD_BYTES = 4096
CHUNK_BYTES = 256 * 1024
NO_KNOWN_KIND = Text("of no known kind")
_SIGNATURES: tuple[tuple[int, bytes, str | Text], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"%PDF-", PDF),
    (0, b"GIF8", Text("a GIF picture")),
    (0, b"BM", Text("a BMP picture")),
    (0, b"II*\0", Text("a TIFF picture")),
    (0, b"MM\0*", Text("a TIFF picture")),
    (8, b"WEBP", Text("a WebP picture")),
    (8, b"AVI ", Text("an AVI video")),
    (8, b"WAVE", Text("a WAV sound")),
    (0, b"\x1aE\xdf\xa3", Text("a Matroska or WebM video")),
    (0, b"ID3", Text("an MP3 sound")),
    (0, b"\xff\xfb", Text("an MP3 sound")),
    (0, b"OggS", Text("an Ogg sound")),
    (0, b"fLaC", Text("a FLAC sound")),
    (0, b"Rar!", Text("a RAR archive")),
    (0, b"7z\xbc\xaf", Text("a 7z archive")),
    (0, b"\x1f\x8b", Text("a gzip archive")),
    (0, b"MZ", Text("a Windows program")),
    (0, b"\x7fELF", Text("a program")),
    (0, b"{\\rtf", Text("an RTF document")),
)
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg", b"<script", b"<head", b"<body")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file is. Width and height are in pixels; what the content does not say for certain is None."""

    mime_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None

    @property
    def kind(self) -> MediaKind:
        """Picture, video or document."""
        return KIND_OF[self.mime_type]


def inspect_file(path: Path, name: str, header_format: str | None = None) -> Content:
    """Read what the file at `path` is. `header_format`: a key of `HEADER_KINDS`, if it must fit such a header.

    Raises OperatorError with one line that says what it is and what is allowed, OSError if it cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise OperatorError("{name} is empty", name=name)
    with path.open("rb") as file:
        found = _recognize(file, size)
        wanted = HEADER_KINDS[header_format] if header_format else None
        if isinstance(found, Text):
            raise wrong_kind(name, found, wanted or kind_by_name(name))
        if header_format:
            check_header(name, found, size, header_format)
        check_size(name, KIND_OF[found], size)
        if wanted in {None, MediaKind.DOCUMENT}:
            _check_claim(name, found)
        if found in IMAGE_TYPES:
            width, height = load("jobs.media.pictures:check_picture")(file, name, found)
            return Content(found, size, width, height)
        if found in VIDEO_TYPES:
            video = boxes.read_video(file, name, size)
            return Content(found, size, video.width, video.height, video.duration_seconds)
    return Content(found, size)


def _recognize(file: IO[bytes], size: int) -> str | Text:
    """The MIME type of a file that Meta takes, else what it is."""
    head = file.read(HEAD_BYTES)
    for offset, signature, found in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature and (offset == 0 or head[:4] == b"RIFF"):
            return found
    if head[4:8] == b"ftyp":
        return boxes.recognize_brand(head)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return office.recognize_zip(file, size)
    if head.startswith(office.OLE_SIGNATURE):
        return office.recognize_ole(file, size)
    return _recognize_text(file, head)


def _recognize_text(file: IO[bytes], head: bytes) -> str | Text:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith(_MARKUP):
        return Text("an SVG picture") if b"<svg" in start else Text("a web page or XML")
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK_BYTES):
            if any(ord(char) < ord(" ") and char not in "\t\n\r\f" for char in set(decoder.decode(chunk))):
                return NO_KNOWN_KIND
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return NO_KNOWN_KIND
    return TEXT


def _check_claim(name: str, mime_type: str) -> None:
    """Raises OperatorError if the name says another kind of file: a phone opens a document by its name.

    A document's own extension has to fit, too; a picture or a video has no name on a phone.
    """
    kind, claimed = KIND_OF[mime_type], kind_by_name(name)
    if claimed is not None and claimed is not kind:
        raise wrong_kind(name, TYPE_NOUNS[mime_type], claimed)
    if claimed is kind is MediaKind.DOCUMENT and not name.lower().endswith(EXTENSIONS[mime_type]):
        raise OperatorError(
            "{name} is {what}: a phone opens it by its name, which must end in {extension}",
            name=name,
            what=TYPE_NOUNS[mime_type],
            extension=EXTENSIONS[mime_type][0],
        )
