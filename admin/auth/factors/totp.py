"""Sets up authenticator apps and checks their codes (TOTP, RFC 6238: six digits, a new code every 30 seconds)."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.crypto import Vault
from models.db.dialect import NO_SYNC, insert_into
from models.tables.second_factor import Totp
from models.tables.user import User

DIGITS = 6
STEP_SECONDS = 30
STEPS_OFF = 1
"""How many steps a phone's clock may be behind or ahead."""
SET_UP_FOR = timedelta(minutes=30)
"""How long a new secret waits for its first code."""
ISSUER = "Hark"


@dataclass(frozen=True, slots=True)
class NewTotp:
    """What an authenticator app is set up with: the secret in base32, and the address that a QR code holds."""

    secret: str
    uri: str


@retry_conflicts
def begin_totp(rt: Runtime, user_id: int, now: datetime) -> NewTotp:
    """Make a new secret for a user. It counts once `confirm_totp` saw a code of it; the present one goes on until then."""
    secret = pyotp.random_base32()
    values = {"new_secret": rt.vault.encrypt(secret), "new_secret_at": now}
    with rt.database.write() as session:
        email = session.get_one(User, user_id).email
        statement = insert_into(session, Totp.__table__).values(user_id=user_id, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))
    return _shown(secret, email)


def waiting_totp(rt: Runtime, user_id: int, now: datetime) -> NewTotp | None:
    """The secret that waits for its first code; None if there is none, or it waited too long."""
    with rt.database.read() as session:
        row, email = session.get(Totp, user_id), session.get_one(User, user_id).email
    if row is None or row.new_secret is None or not _is_waiting(row, now):
        return None
    return _shown(rt.vault.decrypt(row.new_secret), email)


def confirm_totp(session: Session, vault: Vault, user_id: int, code: str, now: datetime) -> bool:
    """Have the secret that waits count, if this is a code of it; the code is then used. False if it is none, or none waits."""
    row = session.get(Totp, user_id)
    if row is None or row.new_secret is None or not _is_waiting(row, now):
        return False
    step = _step_of(vault.decrypt(row.new_secret), code, now)
    if step is None:
        return False
    counts = {"secret": row.new_secret, "confirmed_at": now, "last_step": step, "new_secret": None}
    statement = update(Totp).where(Totp.user_id == user_id, Totp.new_secret == row.new_secret)
    confirmed = session.scalar(statement.values(counts).returning(Totp.user_id), execution_options=NO_SYNC)
    return confirmed is not None


def use_totp(session: Session, vault: Vault, user_id: int, code: str, now: datetime) -> bool:
    """Use a code. False if it is wrong, or if it or a later one was used before: of two that use one at once, one does."""
    secret = session.scalar(select(Totp.secret).where(Totp.user_id == user_id))
    step = None if secret is None else _step_of(vault.decrypt(secret), code, now)
    if step is None:
        return False
    used = session.scalar(
        update(Totp)
        .where(
            Totp.user_id == user_id,
            Totp.secret == secret,
            or_(Totp.last_step.is_(None), Totp.last_step < step),
        )
        .values(last_step=step)
        .returning(Totp.user_id),
        execution_options=NO_SYNC,
    )
    return used is not None


def looks_like_totp(text: str) -> bool:
    """Whether this is six digits, however they are spaced. A recovery code is longer."""
    digits = _digits(text)
    return len(digits) == DIGITS and digits.isascii() and digits.isdigit()


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code this is; None if it is of no step near `now`. Every step is compared, so that the time tells nothing."""
    present = int(now.timestamp()) // STEP_SECONDS
    generator = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    found = None
    for step in range(present - STEPS_OFF, present + STEPS_OFF + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), _digits(code).encode()):
            found = step
    return found


def _digits(text: str) -> str:
    return "".join(text[:40].split()).replace("-", "")


def _is_waiting(row: Totp, now: datetime) -> bool:
    return row.new_secret_at is not None and now - row.new_secret_at < SET_UP_FOR


def _shown(secret: str, email: str) -> NewTotp:
    return NewTotp(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))
