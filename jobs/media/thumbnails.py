"""Draws thumbnails of pictures and keeps them on this machine, under `var/thumbnails`. A lost one is drawn again."""

import time
from contextlib import suppress
from pathlib import Path

from jobs.core.loader import load
from jobs.media.store import media_store, write_whole
from models.config import Settings
from models.tables.media import MediaFile, MediaKind

MAX_AGE_SECONDS = 30 * 24 * 3600


def thumbnail_of(settings: Settings, row: MediaFile) -> Path | None:
    """The path of a picture's thumbnail (JPEG); None for another kind of file, and for a picture that cannot be drawn.

    Raises MediaStoreError or MissingContentError if its content cannot be read.
    """
    if row.kind is not MediaKind.IMAGE:
        return None
    path = _path(settings, row.storage_key)
    if path.exists():
        return path
    try:
        with media_store(settings).fetch(row.storage_key) as file:
            thumbnail: bytes = load("jobs.media.pictures:draw_thumbnail")(file)
    except (OSError, SyntaxError, ValueError):  # a picture from before pictures were checked
        return None
    write_whole(path, [thumbnail])
    _forget_old(path.parent)
    return path


def _forget_old(directory: Path) -> None:
    """Files may have been removed on another machine."""
    for path in directory.iterdir():
        with suppress(OSError):  # another process was quicker
            if path.stat().st_mtime < time.time() - MAX_AGE_SECONDS:
                path.unlink()


def forget_thumbnail(settings: Settings, storage_key: str) -> None:
    """Delete this machine's thumbnail, if there is one."""
    _path(settings, storage_key).unlink(missing_ok=True)


def _path(settings: Settings, storage_key: str) -> Path:
    return settings.var_dir / "thumbnails" / f"{storage_key}.jpg"
