"""Packs a proof into a ZIP file of one form, and checks one.

Its members are stored uncompressed, in a fixed order, with a fixed date, so that the same members make the same bytes. The check
builds the file again from the members that it found: whatever was changed between them is found too.
"""

import base64
import binascii
import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.errors import OperatorError
from models.proof.keys import fingerprint_of, is_signed_by, public_pem, read_public_key

FORMAT = 1
FACTS, PAGE, SIGNATURE = "proof.json", "index.html", "signature.json"
MEMBERS = (FACTS, PAGE, SIGNATURE)
MAX_BYTES = 64 * 1024 * 1024
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100600 << 16
_UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, OSError, EOFError, OverflowError, ValueError, RuntimeError,
    NotImplementedError,
)  # fmt: skip
"""What the reader of ZIP files raises at one that was changed."""


class ProofError(OperatorError):
    """The file is no whole and genuine proof; the message says what does not fit."""


@dataclass(frozen=True, slots=True)
class CheckedProof:
    """A proof that fits: its facts, and the fingerprint of the key that signed it."""

    facts: Mapping[str, Any]
    fingerprint: str


def pack_proof(facts: Mapping[str, Any], page: str, public: Ed25519PublicKey, sign: Callable[[bytes], bytes]) -> bytes:
    """The file. `sign` makes the Ed25519 signature of bytes with the private half of `public`."""
    members = {FACTS: to_json(facts, indent=2), PAGE: page.encode()}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    signature = sign(_signed_bytes(fingerprint_of(public), hashes))
    return _archive(members | {SIGNATURE: _signature_member(public, hashes, signature)})


def check_proof(data: bytes, trusted: Sequence[Ed25519PublicKey]) -> CheckedProof:
    """Check a file against the keys that are trusted. Raises ProofError, which says what does not fit."""
    members = _members(data)
    public, hashes, signature = _read_signature(members[SIGNATURE])
    for name in (FACTS, PAGE):
        if hashlib.sha256(members[name]).hexdigest() != hashes.get(name):
            raise ProofError("{name} was changed: it is not what was signed", name=name)
    if set(hashes) != {FACTS, PAGE} or not is_signed_by(
        public, signature, _signed_bytes(fingerprint_of(public), hashes)
    ):
        raise ProofError("the signature does not fit what was signed")
    if members[SIGNATURE] != _signature_member(public, hashes, signature):
        raise ProofError("{name} was changed: it is not in the form in which it was written", name=SIGNATURE)
    if data != _archive(members):
        raise ProofError("the file was changed between its parts")
    fingerprint = fingerprint_of(public)
    if fingerprint not in {fingerprint_of(key) for key in trusted}:
        raise ProofError("it is whole, but signed with the key {key}, which is not trusted here", key=fingerprint[:16])
    facts = json.loads(members[FACTS])
    return CheckedProof(facts, fingerprint)


def to_json(value: Any, *, indent: int | None = None) -> bytes:
    """JSON of one form: keys in order, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent).encode()


def _signed_bytes(fingerprint: str, hashes: Mapping[str, str]) -> bytes:
    return b"hark proof\n" + to_json({"format": FORMAT, "key": fingerprint, "sha256": dict(hashes)})


def _signature_member(public: Ed25519PublicKey, hashes: Mapping[str, str], signature: bytes) -> bytes:
    about = {
        "algorithm": "Ed25519",
        "format": FORMAT,
        "key": fingerprint_of(public),
        "public_key": public_pem(public),
        "sha256": dict(hashes),
        "signature": base64.b64encode(signature).decode(),
        "signed": 'the bytes "hark proof\\n" and then {"format", "key", "sha256"} as JSON with sorted keys',
    }
    return to_json(about, indent=2)


def _read_signature(member: bytes) -> tuple[Ed25519PublicKey, dict[str, str], bytes]:
    try:
        about = json.loads(member)
        public = read_public_key(str(about["public_key"]))
        hashes = {str(name): str(text) for name, text in about["sha256"].items()}
        signature = base64.b64decode(str(about["signature"]), validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ProofError("{name} cannot be read", name=SIGNATURE) from error
    if about.get("format") != FORMAT:
        raise ProofError("it is of a format that this version does not know")
    return public, hashes, signature


def _members(data: bytes) -> dict[str, bytes]:
    if len(data) > MAX_BYTES:
        raise ProofError("it is larger than any proof")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            # Nothing is unpacked that is compressed: a small file could hold a very large one.
            is_plain = all(
                entry.compress_type == zipfile.ZIP_STORED and entry.file_size <= len(data) for entry in entries
            )
            members = {entry.filename: archive.read(entry) for entry in entries} if is_plain else {}
    except _UNREADABLE as error:
        raise ProofError("it is no whole ZIP file, or one of its parts was changed") from error
    if names != list(MEMBERS):
        raise ProofError("it does not hold exactly {names}", names=", ".join(MEMBERS))
    if not is_plain:
        raise ProofError("the file was changed between its parts")
    return members


def _archive(members: Mapping[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            archive.writestr(entry, members[name])
    return file.getvalue()
