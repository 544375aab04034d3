"""Stores uploaded files: media of numbers, and resumable uploads of template samples (docs/meta.md §6)."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from bot.sandbox.errors import SandboxGraphError

MB = 1024 * 1024
URL_SECONDS = 300
DOCUMENTS = (
    "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)  # fmt: skip
SIZES: dict[str, int] = {
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
    **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MB),
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB),
    **dict.fromkeys(DOCUMENTS, 100 * MB),
    "image/webp": 500 * 1024,
}
SAMPLES = ("application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4")


@dataclass
class SandboxMedia:
    """An uploaded file of a number."""

    id: str
    mime_type: str
    data: bytes
    filename: str
    phone_number_id: str
    links: dict[str, float] = field(default_factory=dict)  # token of a download URL → when it expires

    def public(self, base: str) -> dict[str, str]:
        """Return the file as JSON, with a download URL that is valid for five minutes."""
        token = secrets.token_urlsafe(12)
        self.links[token] = time.time() + URL_SECONDS
        return {
            "messaging_product": "whatsapp",
            "url": f"{base}/_media/{self.id}?t={token}",
            "mime_type": self.mime_type,
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "file_size": str(len(self.data)),
            "id": self.id,
        }

    def may_download(self, token: str) -> bool:
        """Return whether the token of a download URL is valid."""
        return self.links.get(token, 0.0) > time.time()


@dataclass
class Upload:
    """A resumable upload; complete at ``length`` bytes."""

    id: str
    length: int
    mime_type: str
    filename: str
    data: bytearray = field(default_factory=bytearray)


class MediaStore:
    """All uploaded files."""

    def __init__(self) -> None:
        self.items: dict[str, SandboxMedia] = {}
        self.uploads: dict[str, Upload] = {}
        self.handles: dict[str, Upload] = {}
        self.ids: set[str] = set()

    def clear(self) -> None:
        """Remove all files."""
        self.items.clear()
        self.uploads.clear()
        self.handles.clear()
        self.ids.clear()

    def add(self, phone_number_id: str, mime_type: str, data: bytes, filename: str) -> SandboxMedia:
        """Store a file of a number."""
        media = SandboxMedia(str(10**15 + secrets.randbelow(10**15)), mime_type, data, filename, phone_number_id)
        self.items[media.id] = media
        self.ids.add(media.id)
        return media

    def remove(self, media: SandboxMedia) -> None:
        """Remove a file."""
        self.items.pop(media.id, None)
        self.ids.discard(media.id)

    def begin_upload(self, length: int, mime_type: str, filename: str) -> Upload:
        """Begin a resumable upload. Raises SandboxGraphError if samples cannot have the type."""
        if mime_type not in SAMPLES:
            raise SandboxGraphError(100, f"file_type must be one of {', '.join(SAMPLES)}")
        upload = Upload("upload:" + secrets.token_urlsafe(24), length, mime_type, filename)
        self.uploads[upload.id] = upload
        return upload

    def continue_upload(self, upload: Upload, offset: int, data: bytes) -> str | None:
        """Add bytes at an offset; returns the handle when the file is complete, else None.

        Raises SandboxGraphError if the offset or the length does not match.
        """
        if offset != len(upload.data):
            raise SandboxGraphError(100, f"file_offset {offset} does not match, expected {len(upload.data)}")
        upload.data += data
        if len(upload.data) > upload.length:
            raise SandboxGraphError(100, f"more bytes than the announced file_length {upload.length}")
        if len(upload.data) < upload.length:
            return None
        handle = "4::" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.handles[handle] = upload
        return handle


def check_file(mime_type: str, size: int) -> None:
    """Raise SandboxGraphError if the type is not supported, or the size is 0 or too large for it."""
    bare = mime_type.partition(";")[0].strip().lower()
    if bare not in SIZES:
        raise SandboxGraphError(
            100, f"Param file must be a file with one of the following types: {', '.join(SIZES)}. Received {bare!r}."
        )
    if size > SIZES[bare]:
        raise SandboxGraphError(131053, f"The file has {size} bytes, at most {SIZES[bare]} are allowed for {bare}")
    if size == 0:
        raise SandboxGraphError(131053, "The file is empty")


async def read_form(request: web.Request) -> tuple[dict[str, str], bytes | None, str, str]:
    """Read a multipart form: its text fields, the file's bytes (None without a file), content type and name."""
    if not request.content_type.startswith("multipart/"):
        raise SandboxGraphError(100, "The request must be multipart/form-data")
    texts: dict[str, str] = {}
    data, own_type, name = None, "", ""
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "file":
            data = bytes(await part.read())
            own_type, name = part.headers.get("Content-Type", ""), part.filename or ""
        else:
            texts[str(part.name)] = await part.text()
    return texts, data, own_type, name
