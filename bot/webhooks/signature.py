"""Makes and checks Meta's signature over a webhook's raw bytes: HMAC-SHA256 with the app secret (docs/meta.md §7.2)."""

import hmac
import re
from collections.abc import Iterable

PREFIX = "sha256="
_SIGNATURE = re.compile(f"{PREFIX}[0-9a-fA-F]{{64}}")


def sign(secret: str, raw: bytes) -> str:
    """Return the value of X-Hub-Signature-256 for this body."""
    return PREFIX + hmac.digest(secret.encode(), raw, "sha256").hex()


def is_signature(header: str | None) -> bool:
    """Return whether the header has the form of a signature: checked before the body is read."""
    return header is not None and _SIGNATURE.fullmatch(header) is not None


def is_authentic(header: str | None, raw: bytes, secrets: Iterable[str]) -> bool:
    """Return whether the signature is of one of the secrets. Each is compared, in constant time."""
    if header is None or not is_signature(header):
        return False
    signature = header[len(PREFIX) :].lower()
    matches = False
    for secret in secrets:
        matches |= hmac.compare_digest(hmac.digest(secret.encode(), raw, "sha256").hex(), signature)
    return matches
