"""Secrets at rest: access tokens are encrypted with keys that can rotate; people who left are kept as keyed hashes."""

import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class WrongKeyError(ValueError):
    """What is stored was encrypted with another key."""


class Vault:
    """Encrypts with the first key, decrypts with any of them."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._keys = keys

    def encrypt(self, text: str) -> str:
        """The encrypted form of `text`, as text."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text that was encrypted. WrongKey if none of the keys fits."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise WrongKeyError("ENCRYPTION_KEY: a stored access token was encrypted with another key") from error

    def fingerprints(self) -> tuple[str, ...]:
        """A short hash of each key, newest first: stored, to notice a changed key at the start."""
        return tuple(hashlib.sha256(b"hark fingerprint " + key.encode()).hexdigest()[:16] for key in self._keys)

    def person_hash(self, canonical: str) -> str:
        """A keyed hash of a canonical identity, with the oldest key, which stays when newer ones are added in front."""
        return hmac.new(self._keys[-1].encode(), canonical.encode(), hashlib.sha256).hexdigest()


def new_encryption_key() -> str:
    """A fresh key in the form that ENCRYPTION_KEY takes."""
    return Fernet.generate_key().decode()


def new_token(size_bytes: int = 32) -> str:
    """A fresh random token, URL-safe."""
    return secrets.token_urlsafe(size_bytes)


def signing_secret(secret_key: str) -> str:
    """The secret that the user's own bot checks our signature with: made from SECRET_KEY, and of no other use."""
    return hmac.new(secret_key.encode(), b"hark calls", hashlib.sha256).hexdigest()
