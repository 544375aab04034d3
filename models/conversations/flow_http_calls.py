"""Claims the HTTP calls of bot flows, each at most three times, and stores their results.

A call with a result stays `claimed` until its session has processed the result.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC
from models.tables.flow import OPEN_ACTION, Action, ActionKind, ActionState

MAX_ATTEMPTS = 3
CLAIM = timedelta(seconds=30)
"""Well above the longest call, so the process of an older claim has died."""
CALLS = (ActionKind.HTTP, ActionKind.EXTERNAL)
PAUSES = (timedelta(seconds=1), timedelta(seconds=5))


class HttpCall(NamedTuple):
    """A claimed call. `attempt` counts from 1."""

    id: int
    attempt: int
    payload: dict[str, Any]


def due_calls(session: Session, now: datetime, limit: int) -> list[int]:
    """The ids of up to `limit` calls that are due, also of those whose process died during an earlier attempt."""
    died = and_(Action.state == ActionState.CLAIMED, Action.claimed_at <= now - CLAIM)
    query = (
        select(Action.id)
        .where(
            OPEN_ACTION,
            Action.kind.in_(CALLS),
            Action.due_at <= now,
            Action.result.is_(None),
            or_(Action.state == ActionState.PENDING, died),
        )
        .order_by(Action.due_at, Action.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def claim_calls(session: Session, ids: Iterable[int], now: datetime) -> list[HttpCall]:
    """Claim these calls; those that another process claimed are left out.

    A call whose three attempts ended without a result gets the result `{"ok": False}`.
    """
    claimed = []
    for key in sorted(ids):
        row = session.execute(
            update(Action)
            .where(
                Action.id == key,
                Action.result.is_(None),
                or_(
                    Action.state == ActionState.PENDING,
                    and_(Action.state == ActionState.CLAIMED, Action.claimed_at <= now - CLAIM),
                ),
            )
            .values(state=ActionState.CLAIMED, claimed_at=now, attempts=Action.attempts + 1)
            .returning(Action.id, Action.attempts, Action.payload),
            execution_options=NO_SYNC,
        ).first()
        if row is not None and row.attempts > MAX_ATTEMPTS:
            finish_call(session, row.id, row.attempts, {"ok": False}, now)
        elif row is not None:
            claimed.append(HttpCall(row.id, row.attempts, row.payload))
    return claimed


def finish_call(session: Session, action_id: int, attempt: int, result: dict[str, Any], now: datetime) -> bool:
    """Store the result, which makes the action due for its session. False if the claim was lost in the meantime."""
    updated_ids = session.execute(
        update(Action)
        .where(
            Action.id == action_id,
            Action.state == ActionState.CLAIMED,
            Action.attempts == attempt,
            Action.result.is_(None),
        )
        .values(result=result, due_at=now)
        .returning(Action.id),
        execution_options=NO_SYNC,
    )
    return updated_ids.first() is not None


def retry_call(session: Session, action_id: int, attempt: int, now: datetime) -> None:
    """Return a failed call to the queue for its next attempt, after a pause."""
    pause = PAUSES[min(attempt, len(PAUSES)) - 1]
    session.execute(
        update(Action)
        .where(Action.id == action_id, Action.state == ActionState.CLAIMED, Action.attempts == attempt)
        .values(state=ActionState.PENDING, due_at=now + pause),
        execution_options=NO_SYNC,
    )
