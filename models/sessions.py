"""Walks through bot flows, saved so that of two writers one loses and knows it, and what a walk leaves behind."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models.dialect import insert_into
from models.flow import Action, ActionState, FlowSession, FunnelStep, SessionStatus

IDLE = timedelta(hours=24)
"""A session in which nothing happened for so long is over."""

OPEN_ACTIONS = (ActionState.PENDING, ActionState.CLAIMED)


class LiveSession(NamedTuple):
    """The one session that a contact has with a number."""

    id: int
    contact_id: int
    number_id: int
    flow_version_id: int
    recipient_id: int | None
    state: dict[str, Any]
    version: int
    updated_at: datetime


def live_sessions(session: Session, contact_ids: Iterable[int]) -> Mapping[tuple[int, int], LiveSession]:
    """The active sessions of these contacts, idle ones too, by (contact, number)."""
    columns = [getattr(FlowSession, name) for name in LiveSession._fields]
    rows = session.execute(
        select(*columns).where(
            FlowSession.contact_id.in_(list(contact_ids)), FlowSession.status == SessionStatus.ACTIVE
        )
    )
    found = (LiveSession(*row) for row in rows)
    return {(live.contact_id, live.number_id): live for live in found}


def begin_session(
    session: Session,
    *,
    contact_id: int,
    number_id: int,
    flow_version_id: int,
    recipient_id: int | None,
    state: dict[str, Any],
    ended_reason: str | None,
    now: datetime,
) -> int:
    """Store a new walk, which may have ended with its first step. IntegrityError where another is live for this pair."""
    added = session.execute(
        insert(FlowSession)
        .values(
            contact_id=contact_id,
            number_id=number_id,
            flow_version_id=flow_version_id,
            recipient_id=recipient_id,
            status=SessionStatus.ACTIVE if ended_reason is None else SessionStatus.ENDED,
            state=state,
            version=1,
            ended_reason=ended_reason,
            started_at=now,
            updated_at=now,
            ended_at=None if ended_reason is None else now,
        )
        .returning(FlowSession.id)
    )
    return added.scalar_one()


def save_session(
    session: Session,
    session_id: int,
    version: int,
    state: dict[str, Any],
    now: datetime,
    *,
    ended_reason: str | None = None,
) -> bool:
    """Compare-and-set on `version`; False means that somebody else moved or ended it since it was read."""
    values: dict[str, Any] = {"state": state, "version": version + 1, "updated_at": now}
    if ended_reason is not None:
        values |= {"status": SessionStatus.ENDED, "ended_reason": ended_reason[:100], "ended_at": now}
    saved = session.execute(
        update(FlowSession)
        .where(FlowSession.id == session_id, FlowSession.version == version, FlowSession.status == SessionStatus.ACTIVE)
        .values(**values)
        .returning(FlowSession.id)
    ).first()
    if saved is not None and ended_reason is not None:
        cancel_actions(session, [session_id], now)
    return saved is not None


def end_live_sessions(
    session: Session, contact_id: int, reason: str, now: datetime, *, number_id: int | None = None
) -> int:
    """End what a contact is walking through, with all numbers or one; what it waited for is cancelled."""
    statement = (
        update(FlowSession)
        .where(FlowSession.contact_id == contact_id, FlowSession.status == SessionStatus.ACTIVE)
        .values(
            status=SessionStatus.ENDED,
            ended_reason=reason[:100],
            ended_at=now,
            updated_at=now,
            version=FlowSession.version + 1,
        )
        .returning(FlowSession.id)
        .execution_options(synchronize_session=False)
    )
    if number_id is not None:
        statement = statement.where(FlowSession.number_id == number_id)
    ended = list(session.scalars(statement))
    if ended:
        cancel_actions(session, ended, now)
    return len(ended)


def cancel_actions(session: Session, session_ids: Iterable[int], now: datetime) -> None:
    """Timers and calls of a session that is over: nobody waits for them any more."""
    session.execute(
        update(Action)
        .where(Action.session_id.in_(list(session_ids)), Action.state.in_(OPEN_ACTIONS))
        .values(state=ActionState.CANCELLED, done_at=now)
        .execution_options(synchronize_session=False)
    )


def pass_steps(session: Session, steps: Iterable[tuple[int, str]], now: datetime) -> None:
    """Keep the first time at which each (recipient, step) was passed; a later one changes nothing."""
    rows = [{"recipient_id": recipient_id, "step": step, "at": now} for recipient_id, step in dict.fromkeys(steps)]
    if not rows:
        return
    session.execute(insert_into(session, FunnelStep.__table__).on_conflict_do_nothing(), rows)
