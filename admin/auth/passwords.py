"""Hashes and verifies passwords with argon2id, and generates one-time passwords."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from models.errors import OperatorError

MIN_CHARACTERS = 10
MAX_CHARACTERS = 200
# Without 0 and O, 1, l and I, which are confused when read aloud or typed.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash to store. Raises OperatorError if the password is too short or too long."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise OperatorError(
            "password: allowed are {min_characters} to {max_characters} characters",
            min_characters=MIN_CHARACTERS,
            max_characters=MAX_CHARACTERS,
        )
    return _hasher.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether the password matches the stored hash; False for a hash that cannot be read."""
    try:
        return _hasher.verify(stored, password[:MAX_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """A random password of about 93 bits: four groups of four characters."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
