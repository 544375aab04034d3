"""The keys that sign proofs: made, kept encrypted, and read as PEM."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.crypto import Vault
from models.errors import OperatorError
from models.tables.proof_key import ProofKey


def newest_key(session: Session) -> ProofKey | None:
    """The key that signs; None before the first proof."""
    return session.scalar(select(ProofKey).order_by(ProofKey.id.desc()).limit(1))


def all_keys(session: Session) -> Sequence[ProofKey]:
    """Every key that signed or signs, the newest first."""
    return session.scalars(select(ProofKey).order_by(ProofKey.id.desc())).all()


def make_key(session: Session, vault: Vault, now: datetime) -> ProofKey:
    """Make a key and store it; from now on it signs."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = private.public_key()
    key = ProofKey(
        fingerprint=fingerprint_of(public),
        public_key=public_pem(public),
        private_key=vault.encrypt(pem),
        created_at=now,
    )
    session.add(key)
    session.flush()
    return key


def sign(key: ProofKey, vault: Vault, data: bytes) -> bytes:
    """The signature of the data, 64 bytes. Raises WrongKeyError if the key was encrypted with another ENCRYPTION_KEY."""
    pem = vault.decrypt(key.private_key, "the key that signs proofs")
    private = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(private, Ed25519PrivateKey):
        raise OperatorError("the key that signs proofs is no Ed25519 key")
    return private.sign(data)


def is_signed_by(public: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether the signature of the data was made with the private half of the key."""
    try:
        public.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def read_public_key(pem: str) -> Ed25519PublicKey:
    """The public key of a PEM text. Raises ValueError if it is none."""
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("a key of an unknown kind") from error
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")  # noqa: TRY004 - the text is wrong, not its type
    return public


def public_pem(public: Ed25519PublicKey) -> str:
    """The key as PEM."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(encoding, form).decode()


def fingerprint_of(public: Ed25519PublicKey) -> str:
    """SHA-256 of the key's 32 bytes, in hexadecimal."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()
