"""Searches dead letters, newest first, in keyset pages with the beginning of each payload, which may have megabytes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from models.tables.webhook_event import BASE64, DeadLetter

PAGE = 50
BEGINNING = 2_000
"""Characters of a payload that a list shows."""
WINDOW = 20_000
"""Most letters that one page of a text search reads."""
MAX_TEXT = 200


class LetterState(StrEnum):
    """Whether a letter was applied."""

    WAITING = "waiting"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as a list shows it."""

    id: int
    error: str
    times: int
    first_at: datetime
    last_at: datetime
    replayed_at: datetime | None
    beginning: str
    """The beginning of the payload; empty if it is no text, or was deleted."""
    is_text: bool

    @property
    def state(self) -> LetterState:
        """WAITING until the letter was applied."""
        return LetterState.WAITING if self.replayed_at is None else LetterState.APPLIED


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """Letters, newest first. The next page is before `next_before_id`, even if this one is not full; None: the last page."""

    letters: Sequence[Letter]
    next_before_id: int | None


def search_letters(
    session: Session,
    text: str = "",
    state: LetterState | None = None,
    before_id: int | None = None,
    limit: int = PAGE,
) -> DeadLetterPage:
    """Return one page. `text` matches anywhere in the payload or the error, in any case."""
    conditions = [] if before_id is None else [DeadLetter.id < before_id]
    floor = _floor(session, conditions) if _clean(text) else None
    if state is not None:
        is_waiting = DeadLetter.replayed_at.is_(None)
        conditions.append(is_waiting if state is LetterState.WAITING else ~is_waiting)
    if _clean(text):
        conditions.append(_contains(_clean(text)))
    if floor is not None:
        conditions.append(DeadLetter.id > floor)
    query = select(
        DeadLetter.id, DeadLetter.error, DeadLetter.times, DeadLetter.first_at, DeadLetter.last_at, DeadLetter.replayed_at,
        func.substr(DeadLetter.payload, 1, BEGINNING),
    )  # fmt: skip
    rows = session.execute(query.where(*conditions).order_by(DeadLetter.id.desc()).limit(limit + 1)).all()
    letters = [_letter(row) for row in rows[:limit]]
    next_window = None if floor is None else floor + 1
    return DeadLetterPage(letters, letters[-1].id if len(rows) > limit else next_window)


def read_letter(session: Session, letter_id: int) -> tuple[Letter, str] | None:
    """Return a letter with its whole stored payload; None if there is no such letter."""
    row = session.get(DeadLetter, letter_id)
    if row is None:
        return None
    facts = (row.id, row.error, row.times, row.first_at, row.last_at, row.replayed_at, row.payload[:BEGINNING])
    return _letter(facts), row.payload


def _letter(row: Sequence[Any]) -> Letter:
    key, error, times, first_at, last_at, replayed_at, beginning = row
    is_text = not beginning.startswith(BASE64)
    return Letter(key, error, times, first_at, last_at, replayed_at, beginning if is_text else "", is_text)


def _floor(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int | None:
    """Return the highest id that this page does not read; None if it reads all."""
    keys = select(DeadLetter.id).where(*conditions).order_by(DeadLetter.id.desc())
    return session.scalar(keys.offset(WINDOW).limit(1))


def _contains(text: str) -> ColumnElement[bool]:
    """Payloads are searched as they came; JSON may write a letter as \\u00e9, so both forms are searched."""
    spellings = {text, json.dumps(text)[1:-1]} if not text.isascii() else {text}
    is_text = DeadLetter.payload.not_like(f"{BASE64}%")
    in_payload = or_(*(DeadLetter.payload.icontains(spelling, autoescape=True) for spelling in sorted(spellings)))
    return or_(DeadLetter.error.icontains(text, autoescape=True), and_(is_text, in_payload))


def _clean(text: str) -> str:
    """Return text that both databases accept: without NUL and surrogates, trimmed, at most MAX_TEXT characters."""
    return text.replace("\x00", "").encode(errors="ignore").decode().strip()[:MAX_TEXT]
