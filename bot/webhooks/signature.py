"""Meta's signature over a webhook's raw bytes: HMAC-SHA256 with the app secret (docs/meta.md §7.2)."""

import hmac
from collections.abc import Iterable

PREFIX = "sha256="


def sign(secret: str, raw: bytes) -> str:
    """The header's value for this body."""
    return PREFIX + hmac.digest(secret.encode(), raw, "sha256").hex()


def is_signature(header: str | None) -> bool:
    """Whether the header could be one at all: looked at before a body is read."""
    if header is None or len(header) != len(PREFIX) + 64 or not header.startswith(PREFIX):
        return False
    return all(character in "0123456789abcdefABCDEF" for character in header[len(PREFIX) :])


def is_authentic(header: str | None, raw: bytes, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets made the signature. Every secret is tried, and compared in constant time."""
    if header is None or not is_signature(header):
        return False
    given = header[len(PREFIX) :].lower()
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(hmac.digest(secret.encode(), raw, "sha256").hex(), given)
    return found
