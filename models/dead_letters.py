"""Payloads that could not be processed: kept whole, counted when they come again, applied when somebody asks for it."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.dialect import insert_into
from models.inbox import DeadLetter
from models.setting import read_setting

_BASE64 = "base64:"
MOST_ERROR = 300


def keep_dead_letter(session: Session, raw: bytes, error: str, now: datetime) -> None:
    """Keep a payload. `error` is a class and a place, never an exception's text: that may hold what somebody wrote."""
    row = {
        "checksum": sha256(raw).hexdigest(),
        "payload": _to_text(raw),
        "error": error[:MOST_ERROR],
        "times": 1,
        "first_at": now,
        "last_at": now,
    }
    statement = insert_into(session, DeadLetter).values(row)
    told = statement.excluded
    again = {
        "times": DeadLetter.times + 1,
        "error": told.error,
        "last_at": told.last_at,
        "payload": told.payload,
        "replayed_at": None,
    }
    session.execute(statement.on_conflict_do_update(index_elements=["checksum"], set_=again))


def waiting_letters(session: Session, after_id: int = 0, limit: int = 100) -> Sequence[int]:
    """Those that were not applied yet, oldest first."""
    query = select(DeadLetter.id).where(DeadLetter.id > after_id, DeadLetter.replayed_at.is_(None))
    return session.scalars(query.order_by(DeadLetter.id).limit(limit)).all()


def payload_of(session: Session, letter_id: int) -> bytes | None:
    """The bytes as they came; None where there is no such letter, or it was applied."""
    letter = session.get(DeadLetter, letter_id)
    return None if letter is None or letter.replayed_at is not None else _to_bytes(letter.payload)


def settle_letter(session: Session, letter_id: int, now: datetime) -> None:
    """It was applied. What happened stays to be seen; the payload, which is personal, goes."""
    session.execute(update(DeadLetter).where(DeadLetter.id == letter_id).values(replayed_at=now, payload=""))


def purge_dead_letters(session: Session, now: datetime, limit: int = 500) -> int:
    """Delete a slice of those that came last longer ago than the setting says; how many."""
    oldest = now - timedelta(days=int(read_setting(session, "keep_dead_letters_days")))
    old = select(DeadLetter.id).where(DeadLetter.last_at < oldest).order_by(DeadLetter.last_at).limit(limit)
    gone = delete(DeadLetter).where(DeadLetter.id.in_(old.scalar_subquery()), DeadLetter.last_at < oldest)
    return len(session.execute(gone.returning(DeadLetter.id)).all())


def _to_text(raw: bytes) -> str:
    """As it is where that can be stored and searched."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = ""
    is_plain = text and "\x00" not in text and not text.startswith(_BASE64)
    return text if is_plain else _BASE64 + base64.b64encode(raw).decode()


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text.removeprefix(_BASE64)) if text.startswith(_BASE64) else text.encode()
