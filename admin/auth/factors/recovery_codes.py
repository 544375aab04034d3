"""Makes and checks recovery codes, which stand for a second factor that was lost. Each is good for one use."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC
from models.tables.second_factor import RecoveryCode

COUNT = 10
FEW = 3
"""With this many left, or fewer, the user is told to make new ones."""
_GROUPS, _GROUP = 4, 4
# Without 0 and o, 1, l and i, which are confused when read from paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def make_codes(session: Session, user_id: int, now: datetime) -> tuple[str, ...]:
    """Make COUNT new codes, which replace all earlier ones. They are returned once; only their hashes are stored."""
    remove_codes(session, user_id)
    codes = tuple(_new_code() for _ in range(COUNT))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code), created_at=now) for code in codes)
    session.flush()
    return codes


def remove_codes(session: Session, user_id: int) -> None:
    """Remove every code of a user."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id), execution_options=NO_SYNC)


def use_code(session: Session, user_id: int, text: str, now: datetime) -> bool:
    """Use a code, as it was typed. False if the user has no such code, or it was used: of two that use one at once, one does."""
    used = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == _hash(user_id, text),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.id),
        execution_options=NO_SYNC,
    )
    return used is not None


def codes_left(session: Session, user_id: int) -> int:
    """How many codes of a user are not used yet."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _hash(user_id: int, text: str) -> str:
    """The stored hash of a code, whatever its case and separators. A code has 79 random bits, so a fast hash is enough."""
    letters = "".join(letter for letter in text.lower()[:100] if letter.isalnum())
    return hashlib.sha256(f"recovery code of {user_id}: {letters}".encode()).hexdigest()
