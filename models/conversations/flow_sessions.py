"""Stores bot sessions (a contact's progress through a flow) with optimistic locking, their actions and their funnel steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from models.db.dialect import insert_into
from models.tables.flow import OPEN_ACTION, Action, ActionState, FlowSession, FunnelStep, SessionStatus


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
    sessions = (LiveSession(*row) for row in rows)
    return {(live.contact_id, live.number_id): live for live in sessions}


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to store. With `ended_reason` it ended with its first step."""

    contact_id: int
    number_id: int
    flow_version_id: int
    recipient_id: int | None
    state: dict[str, Any]
    ended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SessionSave:
    """A change of the session that was read in `version`. With `ended_reason` the session ends."""

    id: int
    version: int
    state: dict[str, Any]
    ended_reason: str | None = None


def begin_sessions(session: Session, new: Sequence[NewSession], now: datetime) -> list[int]:
    """Store new sessions; returns their ids in the given order.

    Raises IntegrityError if one of the (contact, number) pairs has an active session already.
    """
    rows = [
        {
            "contact_id": each.contact_id,
            "number_id": each.number_id,
            "flow_version_id": each.flow_version_id,
            "recipient_id": each.recipient_id,
            "status": SessionStatus.ACTIVE if each.ended_reason is None else SessionStatus.ENDED,
            "state": each.state,
            "version": 1,
            "ended_reason": each.ended_reason,
            "started_at": now,
            "updated_at": now,
            "ended_at": None if each.ended_reason is None else now,
        }
        for each in new
    ]
    if not rows:
        return []
    return list(session.scalars(insert(FlowSession).returning(FlowSession.id, sort_by_parameter_order=True), rows))


def save_sessions(session: Session, saves: Sequence[SessionSave], now: datetime) -> bool:
    """Compare-and-set on `version`; the open actions of sessions that end are cancelled.

    False if another process changed or ended one of them since it was read: the caller must roll back.
    """
    rows = [
        {
            "b_id": each.id,
            "b_from": each.version,
            "b_state": each.state,
            "b_version": each.version + 1,
            "b_status": SessionStatus.ACTIVE if each.ended_reason is None else SessionStatus.ENDED,
            "b_reason": each.ended_reason and each.ended_reason[:100],
            "b_at": now,
            "b_over": None if each.ended_reason is None else now,
        }
        for each in sorted(saves, key=lambda each: each.id)
    ]
    if not rows:
        return True
    if session.connection().execute(_SAVE, rows).rowcount != len(rows):
        return False
    ended = [each.id for each in saves if each.ended_reason is not None]
    if ended:
        cancel_actions(session, ended, now)
    return True


def end_live_sessions(
    session: Session, contact_id: int, reason: str, now: datetime, *, number_id: int | None = None
) -> int:
    """End the contact's active sessions, with all numbers or one, and cancel their open actions; returns how many ended."""
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
    """Cancel the open timers and calls of sessions that have ended."""
    session.execute(
        update(Action)
        .where(Action.session_id.in_(list(session_ids)), OPEN_ACTION)
        .values(state=ActionState.CANCELLED, done_at=now)
        .execution_options(synchronize_session=False)
    )


def pass_steps(session: Session, steps: Iterable[tuple[int, str]], now: datetime) -> None:
    """Record the first time at which each (recipient id, step) was passed. Later times change nothing."""
    rows = [{"recipient_id": recipient_id, "step": step, "at": now} for recipient_id, step in dict.fromkeys(steps)]
    if not rows:
        return
    session.execute(insert_into(session, FunnelStep.__table__).on_conflict_do_nothing(), rows)


_S: Any = FlowSession.__table__.c
_SAVE = (
    update(FlowSession.__table__)  # type: ignore[arg-type]
    .where(_S.id == bindparam("b_id"), _S.version == bindparam("b_from"), _S.status == SessionStatus.ACTIVE)
    .values(
        state=bindparam("b_state"),
        version=bindparam("b_version"),
        status=bindparam("b_status"),
        ended_reason=bindparam("b_reason"),
        updated_at=bindparam("b_at"),
        ended_at=bindparam("b_over"),
    )
)
