"""The encryption key against what is stored: a changed key is noticed at the start, not at the first message."""

from datetime import datetime

from sqlalchemy import select

from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.number import Number
from models.tables.setting import read_setting, write_setting

_KEY = "encryption_fingerprint"


def check_encryption_key(rt: Runtime, now: datetime) -> None:
    """Remember the key at the first start; afterwards refuse one that cannot read what is stored.

    A newer key in front of the old one is taken over: the access tokens are encrypted again, so that the old one can go.
    """
    prints = rt.vault.fingerprints()
    with rt.database.read() as session:
        stored = read_setting(session, _KEY)
    if stored == prints[0]:
        return
    if stored and stored not in prints:
        raise OperatorError(
            "ENCRYPTION_KEY: what is stored was encrypted with another key; put that key back, alone or behind the new one"
        )
    with rt.database.write() as session:
        for number in session.scalars(select(Number)):
            number.access_token = rt.vault.encrypt(rt.vault.decrypt(number.access_token))
        write_setting(session, _KEY, prints[0], now)
