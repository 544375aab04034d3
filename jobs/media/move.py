"""Copies contents from this machine's directory into the store that the settings name, after `MEDIA_STORE` was changed."""

from jobs.media.store import DirectoryStore, media_store
from models.config import Settings
from models.errors import OperatorError


def copy_to_store(settings: Settings) -> tuple[int, int]:
    """Copy what the bucket lacks of `var/media`; returns how many were copied, and how many were there. Again, it does the rest.

    Raises OperatorError if `MEDIA_STORE` names no bucket, MediaStoreError if it cannot be used.
    """
    if settings.media_bucket is None:
        raise OperatorError("MEDIA_STORE names no bucket: the files under var/media are where they belong")
    directory = settings.var_dir / "media"
    store, copied, present = media_store(settings), 0, 0
    for key in DirectoryStore(directory).keys():  # noqa: SIM118 - no mapping
        if store.has(key):
            present += 1
        else:
            store.put(key, directory / key)
            copied += 1
    return copied, present
