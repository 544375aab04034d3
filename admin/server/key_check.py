"""Checks at the start that the encryption key can decrypt the stored secrets: access tokens and those of authenticator apps."""

from datetime import datetime

from sqlalchemy import select

from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.number import Number
from models.tables.second_factor import Totp
from models.tables.setting import read_setting, write_setting

_KEY = "encryption_fingerprint"


def check_encryption_key(rt: Runtime, now: datetime) -> None:
    """Store the fingerprint of the key at the first start, and compare with it afterwards.

    With a newer key in front of the old one the secrets are encrypted again, so that the old key can be removed.
    Raises OperatorError if no key of ENCRYPTION_KEY is the stored one.
    """
    fingerprints = rt.vault.fingerprints()
    with rt.database.read() as session:
        stored = read_setting(session, _KEY)
    if stored == fingerprints[0]:
        return
    if stored and stored not in fingerprints:
        raise OperatorError(
            "ENCRYPTION_KEY: what is stored was encrypted with another key; put that key back, alone or behind the new one"
        )
    with rt.database.write() as session:
        for number in session.scalars(select(Number)):
            number.access_token = rt.vault.encrypt(rt.vault.decrypt(number.access_token))
        for totp in session.scalars(select(Totp)):
            totp.secret, totp.new_secret = _again(rt, totp.secret), _again(rt, totp.new_secret)
        write_setting(session, _KEY, fingerprints[0], now)


def _again(rt: Runtime, secret: str | None) -> str | None:
    return None if secret is None else rt.vault.encrypt(rt.vault.decrypt(secret))
