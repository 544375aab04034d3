"""Keeps the contents of media files in a bucket of an S3-compatible store. Needs the extra `s3` (obstore)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from jobs.core.loader import load
from jobs.media.incoming import spooled
from jobs.media.store import ContentStore, MediaStoreError, MissingContentError, checked_key
from models.bucket import Bucket
from models.config import Settings
from models.errors import OperatorError

PART_BYTES = 8 * 1024 * 1024
RETRIES = 3
PARTS_AT_ONCE = 2
"""Bounds the memory of an upload to a few parts."""


def open_bucket(settings: Settings) -> ContentStore:
    """The store of `settings.media_bucket`. Nothing connects yet. Raises OperatorError if the extra is not installed."""
    if settings.media_bucket is None:
        raise ValueError("the settings name no bucket")
    return BucketStore(settings, settings.media_bucket)


class BucketStore:
    """Contents as objects of a bucket, under its prefix."""

    def __init__(self, settings: Settings, bucket: Bucket) -> None:
        try:
            self._obstore: Any = load("importlib:import_module")("obstore")
            s3_store = load("obstore.store:S3Store")
        except ImportError:
            raise OperatorError("MEDIA_STORE names a bucket: that needs the package obstore, the extra s3") from None
        self._settings = settings
        self._name = bucket.name
        options: dict[str, Any] = {
            "region": bucket.region,
            "endpoint": bucket.endpoint,
            "virtual_hosted_style_request": False,
        }
        options |= {"access_key_id": bucket.access_key_id, "secret_access_key": bucket.secret_access_key}
        self._store = s3_store(
            bucket.name,
            prefix=bucket.prefix or None,
            **{name: value for name, value in options.items() if value is not None},
            # Deleting many at once is what S3-compatible stores say most differently.
            disable_bulk_delete=True,
            client_options={
                "allow_http": (bucket.endpoint or "").startswith("http://"),  # only where the settings allow it
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=60),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=30)},
        )

    def put(self, key: str, path: Path) -> None:
        """In parts where it is large."""
        self._asked(
            lambda: self._obstore.put(
                self._store, checked_key(key), path, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
        )

    def fetch(self, key: str) -> IO[bytes]:
        """Copied to a file without a name on this machine."""
        try:
            file: IO[bytes] = self._asked(lambda: spooled(self._settings, self._chunks(key)))
        except FileNotFoundError:
            raise MissingContentError("its content is not in the bucket {bucket}", bucket=self._name) from None
        return file

    def has(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            self._asked(lambda: self._obstore.head(self._store, checked_key(key)))
        except FileNotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete the object."""
        with suppress(FileNotFoundError):
            self._asked(lambda: self._obstore.delete(self._store, checked_key(key)))

    def keys(self) -> Iterator[str]:
        """By the bucket's listing, page by page."""
        pages: Iterator[Any] = iter(self._obstore.list(self._store))
        while (page := self._asked(lambda: next(pages, None))) is not None:
            for item in page:
                if "/" not in item["path"]:  # a folder of somebody else's
                    yield str(item["path"])

    def _chunks(self, key: str) -> Iterator[bytes]:
        for chunk in self._obstore.get(self._store, checked_key(key)).stream(min_chunk_size=PART_BYTES // 8):
            yield bytes(chunk)

    def _asked(self, call: Any) -> Any:
        """The call's result. The store's own text stays out: it may hold addresses and what was signed."""
        try:
            return call()
        except OSError:  # it is not there; or this machine's disk is full
            raise
        except Exception as error:  # obstore has no single class for what can go wrong on the way
            raise MediaStoreError(
                "the bucket {bucket} cannot be used ({reason})", bucket=self._name, reason=_reason(error)
            ) from error


def _reason(error: Exception) -> str:
    match type(error).__name__:
        case "PermissionDeniedError" | "UnauthenticatedError":
            return "it refuses the keys"
        case "GenericError":
            return "no answer, or an error of its own"
        case name:
            return name
