"""Encrypts access tokens and secrets with keys that can rotate, and hashes the identities of redacted people with a key."""

import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from models.errors import OperatorError


class WrongKeyError(OperatorError):
    """A stored secret was encrypted with another key."""


class Vault:
    """Encrypts with the first key, decrypts with any. Raises ValueError if a key is not 32 bytes in URL-safe base64.

    `marks_keys` are those of the marks of redacted people: new marks are made with the first and found with any. Without them
    the oldest of `keys` makes the marks, as it did before there were keys of their own.
    """

    def __init__(self, keys: tuple[str, ...], marks_keys: tuple[str, ...] = ()) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        for key in marks_keys:
            Fernet(key)
        self._keys = keys
        self._marks_keys = marks_keys or keys[-1:]

    def encrypt(self, text: str) -> str:
        """Return `text` encrypted, as text."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str, what: str = "a stored access token") -> str:
        """Return the text that was encrypted. Raises WrongKeyError, which names `what` it is, if none of the keys fits."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise WrongKeyError("ENCRYPTION_KEY: {what} was encrypted with another key", what=what) from error

    def fingerprints(self) -> tuple[str, ...]:
        """Return a short hash of each key, newest first. One is stored, so that a start with another key is noticed."""
        return tuple(map(_fingerprint, self._keys))

    def marks_fingerprints(self) -> tuple[str, ...]:
        """Return the same of the keys of the marks."""
        return tuple(map(_fingerprint, self._marks_keys))

    def person_hash(self, canonical: str) -> str:
        """Return the HMAC-SHA256 of a canonical identity (`person_key`), with the newest key of the marks: to be stored."""
        return self.person_hashes(canonical)[0]

    def person_hashes(self, canonical: str) -> tuple[str, ...]:
        """Return the hash under each key of the marks: to be looked for."""
        return tuple(hmac.new(key.encode(), canonical.encode(), hashlib.sha256).hexdigest() for key in self._marks_keys)

    def audit_keys(self) -> tuple[bytes, ...]:
        """Return the keys that prove entries of the audit, newest first: derived, and of no other use."""
        return tuple(hmac.new(key.encode(), b"hark audit", hashlib.sha256).digest() for key in self._keys)


def _fingerprint(key: str) -> str:
    return hashlib.sha256(b"hark fingerprint " + key.encode()).hexdigest()[:16]


def new_encryption_key() -> str:
    """Return a new random key in the form of ENCRYPTION_KEY."""
    return Fernet.generate_key().decode()


def new_token(size_bytes: int = 32) -> str:
    """Return a new random token, URL-safe."""
    return secrets.token_urlsafe(size_bytes)


def signing_secret(secret_key: str) -> str:
    """The secret that the user's own bot checks our signature with: made from SECRET_KEY, and of no other use."""
    return hmac.new(secret_key.encode(), b"hark calls", hashlib.sha256).hexdigest()
