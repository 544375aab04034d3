"""Checks at the start that the encryption key can decrypt the stored access tokens and secrets."""

from datetime import datetime

from sqlalchemy import select

from jobs.core.runtime import Runtime
from models.conversations.flow_secrets import decrypted
from models.errors import OperatorError
from models.tables.flow_secret import FlowSecret
from models.tables.number import Number
from models.tables.setting import read_setting, write_setting

_KEY = "encryption_fingerprint"


def check_encryption_key(rt: Runtime, now: datetime) -> None:
    """Store the fingerprint of the key at the first start, and compare with it afterwards.

    With a newer key in front of the old one the access tokens and the secrets of bot flows are encrypted again, so that the old key
    can be removed.
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
        for secret in session.scalars(select(FlowSecret)):
            secret.value = rt.vault.encrypt(decrypted(secret, rt.vault))
        write_setting(session, _KEY, fingerprints[0], now)
