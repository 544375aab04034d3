"""Stores media files for template headers under `var/media`: type detected from the content, size limited.

Limits and types: docs/meta.md §6.
"""

import hashlib
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePath

from sqlalchemy import select

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.files import replace_file
from models.tables.template import MediaHandle

_MB = 1024 * 1024
LIMITS = {"IMAGE": 5 * _MB, "VIDEO": 16 * _MB, "GIF": 16 * _MB, "DOCUMENT": 100 * _MB}
ALLOWED = {
    "IMAGE": ("image/jpeg", "image/png"),
    "VIDEO": ("video/mp4", "video/3gpp"),
    "GIF": ("video/mp4",),
    "DOCUMENT": (
        "application/pdf", "text/plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    ),
}  # fmt: skip
_OFFICE = {"word/": ALLOWED["DOCUMENT"][2], "xl/": ALLOWED["DOCUMENT"][3], "ppt/": ALLOWED["DOCUMENT"][4]}
_OLD_OFFICE = {".doc": ALLOWED["DOCUMENT"][5], ".xls": ALLOWED["DOCUMENT"][6], ".ppt": ALLOWED["DOCUMENT"][7]}
_MAGIC = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (4, b"ftyp3gp", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
)
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "application/pdf": ".pdf",
}


def store_file(rt: Runtime, number_id: int, path: Path, header_format: str, now: datetime) -> str:
    """Store a local file for a number; returns its SHA-256 in hex.

    Raises OperatorError if it is too large or of another type than the header's, and OSError if it cannot be read.
    """
    if path.stat().st_size > LIMITS[header_format]:
        raise _too_large(path.name, header_format)
    return store_media(rt, number_id, path.name, path.read_bytes(), header_format, now)


@retry_conflicts
def store_media(rt: Runtime, number_id: int, file_name: str, content: bytes, header_format: str, now: datetime) -> str:
    """Store an upload for a number, once per content; returns its SHA-256 in hex. `header_format`: a key of LIMITS.

    Raises OperatorError if it is too large or of another type than the header's.
    """
    name = PurePath(file_name.replace("\\", "/")).name[:255] or "file"
    if len(content) > LIMITS[header_format]:
        raise _too_large(name, header_format)
    mime_type = sniff(name, content)
    if mime_type not in ALLOWED[header_format]:
        allowed = ", ".join(kind.rpartition("/")[2].rpartition(".")[2] for kind in ALLOWED[header_format])
        raise OperatorError(
            "media: {name} is {mime_type}; allowed for a header of {needed}: {allowed}",
            name=name,
            mime_type=mime_type or "of no known kind",
            needed=header_format.lower(),
            allowed=allowed,
        )
    checksum = hashlib.sha256(content).hexdigest()
    path = _write_once(rt.settings.var_dir / "media", f"{checksum}{_SUFFIXES.get(mime_type, '')}", content)
    with rt.database.write() as session:
        query = select(MediaHandle).where(MediaHandle.number_id == number_id, MediaHandle.sha256 == checksum)
        handle = session.scalars(query).first()
        if handle is None:
            handle = MediaHandle(
                number_id=number_id, sha256=checksum, mime_type=mime_type, file_name=name, path=str(path),
                size_bytes=len(content), created_at=now,
            )  # fmt: skip
            session.add(handle)
        return checksum


def sniff(name: str, content: bytes) -> str | None:
    """The MIME type by the content, not the name; None for a type that Meta does not accept."""
    for offset, magic, kind in _MAGIC:
        if content[offset : offset + len(magic)] == magic:
            return kind
    suffix = PurePath(name).suffix.lower()
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return _OLD_OFFICE.get(suffix)
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    return "text/plain" if suffix == ".txt" and _is_text(content) else None


def _office(content: bytes) -> str | None:
    try:
        names = zipfile.ZipFile(BytesIO(content)).namelist()
    except zipfile.BadZipFile:
        return None
    return next((kind for start, kind in _OFFICE.items() if any(name.startswith(start) for name in names)), None)


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x00" not in content


def _too_large(name: str, header_format: str) -> OperatorError:
    return OperatorError(
        "media: {name} is too large; allowed for a header of {needed}: {megabytes} MB",
        name=name,
        needed=header_format.lower(),
        megabytes=LIMITS[header_format] // _MB,
    )


def _write_once(directory: Path, name: str, content: bytes) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    if not path.exists():
        with replace_file(path) as file:
            file.write(content)
    return path.absolute()
