"""Checks at the start that the keys are those of what is stored: encrypted secrets, and marks of redacted people."""

from datetime import datetime

from sqlalchemy import select

from jobs.core.runtime import Runtime
from models.conversations.flow_secrets import decrypted
from models.errors import OperatorError
from models.tables.contact import Suppression
from models.tables.flow_secret import FlowSecret
from models.tables.number import Number
from models.tables.second_factor import Totp
from models.tables.setting import read_setting, write_setting

_KEY = "encryption_fingerprint"
_MARKS = "marks_fingerprints"


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
        for secret in session.scalars(select(FlowSecret)):
            secret.value = rt.vault.encrypt(decrypted(secret, rt.vault))
        for totp in session.scalars(select(Totp)):
            totp.secret, totp.new_secret = _again(rt, totp.secret), _again(rt, totp.new_secret)
        write_setting(session, _KEY, fingerprints[0], now)


def check_marks_key(rt: Runtime, now: datetime) -> None:
    """Store the fingerprint of each key that marks are made with, and compare with them at each start.

    Raises OperatorError if there are marks and one of their keys is missing: redacted people would not be recognised.
    """
    fingerprints = rt.vault.marks_fingerprints()
    with rt.database.read() as session:
        stored = str(read_setting(session, _MARKS))
        has_marks = session.scalar(select(Suppression.id).limit(1)) is not None
    made_with = [part for part in stored.split(",") if part]
    if not made_with and has_marks:
        made_with = [rt.vault.fingerprints()[-1]]  # before the marks had keys of their own
    if has_marks and not set(made_with) <= set(fingerprints):
        raise OperatorError(
            "MARKS_KEY: marks of redacted people were made with another key; put that key back, alone or behind the new one"
            " (before there was a MARKS_KEY it was the oldest ENCRYPTION_KEY)"
        )
    needed = [*(made_with if has_marks else []), fingerprints[0]]
    if ",".join(dict.fromkeys(needed)) != stored:
        with rt.database.write() as session:
            write_setting(session, _MARKS, ",".join(dict.fromkeys(needed)), now)


def _again(rt: Runtime, secret: str | None) -> str | None:
    return None if secret is None else rt.vault.encrypt(rt.vault.decrypt(secret))
