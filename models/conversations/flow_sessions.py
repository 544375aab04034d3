"""Walks through bot flows, saved so that of two writers one loses and knows it, and what a walk leaves behind."""

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
    found = (LiveSession(*row) for row in rows)
    return {(live.contact_id, live.number_id): live for live in found}


@dataclass(frozen=True, slots=True)
class NewSession:
    """A walk that begins, and may have ended with its first step."""

    contact_id: int
    number_id: int
    flow_version_id: int
    recipient_id: int | None
    state: dict[str, Any]
    ended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SessionSave:
    """A walk that was read in `version` and moved; with `ended_reason` it is over."""

    id: int
    version: int
    state: dict[str, Any]
    ended_reason: str | None = None


def begin_sessions(session: Session, new: Sequence[NewSession], now: datetime) -> list[int]:
    """Store new walks; their ids in that order. IntegrityError where another is live for one of the pairs."""
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
    """Compare-and-set on `version`. False where somebody else moved or ended one since it was read: then roll back."""
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
        .where(Action.session_id.in_(list(session_ids)), OPEN_ACTION)
        .values(state=ActionState.CANCELLED, done_at=now)
        .execution_options(synchronize_session=False)
    )


def pass_steps(session: Session, steps: Iterable[tuple[int, str]], now: datetime) -> None:
    """Keep the first time at which each (recipient, step) was passed; a later one changes nothing."""
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
