"""Describes a bucket of an S3-compatible store, as `MEDIA_STORE` names it."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")
ALLOWED = "allowed is s3://bucket or s3://bucket/folder"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is and what opens it.

    `endpoint`: None for Amazon's own of the region. Without keys those that the machine's environment or role gives are used.
    """

    name: str
    prefix: str
    region: str
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


def parse_location(text: str) -> tuple[str, str] | None:
    """Name and prefix of `s3://bucket/prefix`; None for `files`. Raises ValueError for anything else."""
    if text == "files":
        return None
    parts = urlsplit(text)
    prefix = parts.path.strip("/")
    is_bucket = parts.scheme == "s3" and _NAME.fullmatch(parts.netloc) and not parts.query and not parts.fragment
    if not is_bucket or (prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")))):
        raise ValueError(f"{ALLOWED}, and files for the directory var/media")
    return parts.netloc, prefix
