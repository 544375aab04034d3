"""Hashes and verifies passwords with argon2id, and generates one-time passwords."""

import secrets
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from admin.auth.attempts import hashing
from admin.auth.password_rule import MAX_CHARACTERS, check_password_rule

# Without 0 and O, 1, l and I, which are confused when read aloud or typed.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_hasher = PasswordHasher()


def hash_password(password: str, own_names: Iterable[str]) -> str:
    """The argon2id hash to store of a password that somebody chose. `own_names` are those of the user and the installation.

    Raises OperatorError if the rule of `admin.auth.password_rule` does not allow it, TooManyAttemptsError if too many passwords are
    being hashed.
    """
    check_password_rule(password, own_names)
    return _hash(password)


def new_one_time_password() -> tuple[str, str]:
    """A one-time password and its hash."""
    password = one_time_password()
    return password, _hash(password)


def verify_password(stored: str, password: str, *, is_stranger: bool = False) -> bool:
    """Whether the password matches the stored hash; False for a hash that cannot be read.

    `is_stranger`: nobody is signed in, and the browser is not known. Raises TooManyAttemptsError if too many passwords are being
    hashed.
    """
    with hashing(is_stranger=is_stranger):
        try:
            return _hasher.verify(stored, password[:MAX_CHARACTERS])
        except (VerificationError, InvalidHashError):
            return False


def one_time_password() -> str:
    """A random password of about 93 bits: four groups of four characters."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _hash(password: str) -> str:
    with hashing():
        return _hasher.hash(password)
