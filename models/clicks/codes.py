"""Makes and reads the codes of tracked links: the link's number, the recipient's, and a signature under the link's key.

A code is the URL-safe base64 of two LEB128 numbers and 8 bytes of an HMAC-SHA256, without padding: 16 to 38 characters that need no
escape in an address. Each code has one spelling. People's messages hold codes for years, so this form is never given up.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

MAC_BYTES = 8
MAX_CHARACTERS = 38
_MAX_ID = 2**63 - 1
_LABEL = b"hark link\0"
_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@dataclass(frozen=True, slots=True)
class RecipientCode:
    """A code as it was read. Nothing of it is true before `is_signed_by` said so."""

    link_id: int
    recipient_id: int
    mac: bytes

    def is_signed_by(self, key: str) -> bool:
        """Whether the code was made under this key."""
        return hmac.compare_digest(self.mac, _mac(key, _numbers(self.link_id, self.recipient_id)))


@dataclass(frozen=True, slots=True)
class LinkSigner:
    """Makes the codes of one link."""

    link_id: int
    key: str

    def code(self, recipient_id: int) -> str:
        """Return the recipient's code."""
        numbers = _numbers(self.link_id, recipient_id)
        return urlsafe_b64encode(numbers + _mac(self.key, numbers)).rstrip(b"=").decode()


def read_code(text: str) -> RecipientCode | None:
    """Return None if the text is not of our form."""
    if not text or len(text) > MAX_CHARACTERS or not _CHARACTERS.issuperset(text):
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    numbers, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    link_id, rest = _read_number(numbers)
    recipient_id, rest = _read_number(rest)
    code = RecipientCode(link_id, recipient_id, mac)
    has_ids = 0 < link_id <= _MAX_ID and 0 < recipient_id <= _MAX_ID
    is_plain = has_ids and _numbers(link_id, recipient_id) == numbers
    return code if is_plain and urlsafe_b64encode(raw).rstrip(b"=").decode() == text else None


def _mac(key: str, numbers: bytes) -> bytes:
    return hmac.digest(key.encode(), _LABEL + numbers, "sha256")[:MAC_BYTES]


def _numbers(*values: int) -> bytes:
    encoded = bytearray()
    for value in values:
        rest = value
        while rest > 0x7F:
            encoded.append(rest & 0x7F | 0x80)
            rest >>= 7
        encoded.append(rest)
    return bytes(encoded)


def _read_number(raw: bytes) -> tuple[int, bytes]:
    """The first number, 0 if there is none, and the bytes after it."""
    value = 0
    for place, byte in enumerate(raw):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, raw[place + 1 :]
    return 0, b""
