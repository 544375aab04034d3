"""Stores payloads that could not be processed, counts repetitions, and records the result of a replay."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.setting import read_setting
from models.tables.webhook_event import DeadLetter, payload_text, to_bytes

MAX_ERROR = 300


def keep_dead_letter(session: Session, raw: bytes, error: str, now: datetime) -> None:
    """Store a payload. `error` is a class and a place, never an exception's text, which may hold what somebody wrote."""
    row = {
        "checksum": sha256(raw).hexdigest(),
        "payload": payload_text(raw),
        "error": error[:MAX_ERROR],
        "times": 1,
        "first_at": now,
        "last_at": now,
    }
    statement = insert_into(session, DeadLetter).values(row)
    new = statement.excluded
    changes = {
        "times": DeadLetter.times + 1,
        "error": new.error,
        "last_at": new.last_at,
        "payload": new.payload,
        "replayed_at": None,
    }
    session.execute(statement.on_conflict_do_update(index_elements=["checksum"], set_=changes))


def waiting_letters(
    session: Session, after_id: int = 0, limit: int = 100, until_id: int | None = None
) -> Sequence[int]:
    """Return the ids of letters that were not applied yet, oldest first, up to `until_id`."""
    query = select(DeadLetter.id).where(DeadLetter.id > after_id, DeadLetter.replayed_at.is_(None))
    query = query if until_id is None else query.where(DeadLetter.id <= until_id)
    return session.scalars(query.order_by(DeadLetter.id).limit(limit)).all()


def count_waiting(session: Session) -> tuple[int, int]:
    """Return how many letters were not applied yet, and the newest id; zeros if there is none."""
    query = select(func.count(), func.coalesce(func.max(DeadLetter.id), 0)).where(DeadLetter.replayed_at.is_(None))
    number, newest = session.execute(query).one()
    return number, newest


def payload_of(session: Session, letter_id: int) -> bytes | None:
    """Return the bytes as they came; None if there is no such letter, or if it was applied."""
    query = select(DeadLetter.payload).where(DeadLetter.id == letter_id, DeadLetter.replayed_at.is_(None))
    text = session.scalar(query)
    return None if text is None else to_bytes(text)


def settle_letter(session: Session, letter_id: int, now: datetime) -> bool:
    """Mark a letter as applied and delete its payload, which is personal. Return False if it was marked before."""
    return _change_waiting(session, letter_id, {"replayed_at": now, "payload": ""})


def fail_letter(session: Session, letter_id: int, error: str, now: datetime) -> bool:
    """Count a failed replay and store its error. Return False if another replay applied the letter meanwhile."""
    changes = {"times": DeadLetter.times + 1, "error": error[:MAX_ERROR], "last_at": now}
    return _change_waiting(session, letter_id, changes)


def purge_dead_letters(session: Session, now: datetime, limit: int = 500) -> int:
    """Delete up to `limit` letters that first came longer ago than `keep_dead_letters_days`; return how many.

    A repetition or a failed replay does not prolong this. Ids ascend with `first_at`, so only the oldest are read.
    """
    is_old = DeadLetter.first_at < now - timedelta(days=int(read_setting(session, "keep_dead_letters_days")))
    by_key = select(DeadLetter.id, is_old).order_by(DeadLetter.id)
    oldest = session.execute(by_key.limit(1)).one_or_none()
    if oldest is None or not oldest[1]:
        return 0
    slice_of = select(DeadLetter.id).order_by(DeadLetter.id).limit(limit).scalar_subquery()
    deletion = delete(DeadLetter).where(DeadLetter.id.in_(slice_of), is_old)
    return len(session.execute(deletion.returning(DeadLetter.id)).all())


def _change_waiting(session: Session, letter_id: int, values: dict[str, Any]) -> bool:
    """Change a letter only if it still waits, so that replays of the same letter do not undo one another."""
    waits = update(DeadLetter).where(DeadLetter.id == letter_id, DeadLetter.replayed_at.is_(None))
    result: Any = session.execute(waits.values(values), execution_options=NO_SYNC)
    return bool(result.rowcount)
