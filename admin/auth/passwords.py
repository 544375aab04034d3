"""Passwords: argon2id, and one-time ones that must be changed at the first sign-in."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from models.errors import OperatorError

MIN_CHARACTERS = 10
MAX_CHARACTERS = 200
# Read aloud and typed without doubt: no 0 and O, no 1, l and I.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The form that is stored. Refused for one that is too short or too long."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise OperatorError(
            "password: allowed are {min_characters} to {max_characters} characters",
            min_characters=MIN_CHARACTERS,
            max_characters=MAX_CHARACTERS,
        )
    return _hasher.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether it is the one. Takes as long for a wrong one."""
    try:
        return _hasher.verify(stored, password[:MAX_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """A fresh one of about 93 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
