"""Payloads that could not be processed: kept whole, counted when they come again, applied when somebody asks for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.setting import read_setting
from models.tables.webhook_event import DeadLetter, payload_text, to_bytes

"""How a payload begins that is no text, or could be taken for one that is not."""
MAX_ERROR = 300


def keep_dead_letter(session: Session, raw: bytes, error: str, now: datetime) -> None:
    """Keep a payload. `error` is a class and a place, never an exception's text: that may hold what somebody wrote."""
    row = {
        "checksum": sha256(raw).hexdigest(),
        "payload": payload_text(raw),
        "error": error[:MAX_ERROR],
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


def waiting_letters(
    session: Session, after_id: int = 0, limit: int = 100, until_id: int | None = None
) -> Sequence[int]:
    """Those that were not applied yet, oldest first; with `until_id`, none that came after that one."""
    query = select(DeadLetter.id).where(DeadLetter.id > after_id, DeadLetter.replayed_at.is_(None))
    query = query if until_id is None else query.where(DeadLetter.id <= until_id)
    return session.scalars(query.order_by(DeadLetter.id).limit(limit)).all()


def count_waiting(session: Session) -> tuple[int, int]:
    """How many were not applied yet, and the newest of them; zeros where there is none."""
    found = select(func.count(), func.coalesce(func.max(DeadLetter.id), 0)).where(DeadLetter.replayed_at.is_(None))
    number, newest = session.execute(found).one()
    return number, newest


def payload_of(session: Session, letter_id: int) -> bytes | None:
    """The bytes as they came; None where there is no such letter, or it was applied."""
    found = select(DeadLetter.payload).where(DeadLetter.id == letter_id, DeadLetter.replayed_at.is_(None))
    text = session.scalar(found)
    return None if text is None else to_bytes(text)


def settle_letter(session: Session, letter_id: int, now: datetime) -> bool:
    """It was applied. What happened stays to be seen; the payload, which is personal, goes. False where it was settled before."""
    return _change_waiting(session, letter_id, {"replayed_at": now, "payload": ""})


def fail_letter(session: Session, letter_id: int, error: str, now: datetime) -> bool:
    """It was tried again and failed again: counted, with the newest error. False where another replay settled it meanwhile."""
    changes = {"times": DeadLetter.times + 1, "error": error[:MAX_ERROR], "last_at": now}
    return _change_waiting(session, letter_id, changes)


def purge_dead_letters(session: Session, now: datetime, limit: int = 500) -> int:
    """Delete a slice of those that came first longer ago than the setting says; how many.

    Neither coming again nor failing again keeps a payload for longer. Keys ascend with `first_at`: only the eldest are looked at.
    """
    is_old = DeadLetter.first_at < now - timedelta(days=int(read_setting(session, "keep_dead_letters_days")))
    by_key = select(DeadLetter.id, is_old).order_by(DeadLetter.id)
    eldest = session.execute(by_key.limit(1)).one_or_none()
    if eldest is None or not eldest[1]:
        return 0
    slice_of = select(DeadLetter.id).order_by(DeadLetter.id).limit(limit).scalar_subquery()
    gone = delete(DeadLetter).where(DeadLetter.id.in_(slice_of), is_old)
    return len(session.execute(gone.returning(DeadLetter.id)).all())


def _change_waiting(session: Session, letter_id: int, values: dict[str, Any]) -> bool:
    """On the condition that it still waits: replays of the same letter do not undo one another."""
    waits = update(DeadLetter).where(DeadLetter.id == letter_id, DeadLetter.replayed_at.is_(None))
    changed: Any = session.execute(waits.values(values), execution_options=NO_SYNC)
    return bool(changed.rowcount)
