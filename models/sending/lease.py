"""The lease of a sender. All its times are the database's clock; the lane itself counts on its monotonic clock.

A lane beats every 2 s and its lease lasts 8 s from the beat. It begins no request once its lease is over by its own clock; the
sweep gives it up one request time-out later, when nothing it began can still be under way.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, database_now, literal_word
from models.tables.conversation import Message, MessageState
from models.tables.lane import LEASE_SECONDS, REQUEST_TIMEOUT_SECONDS, Lane
from models.tables.recipient import Recipient, RecipientState

LEASE = timedelta(seconds=LEASE_SECONDS)
GRACE = timedelta(seconds=REQUEST_TIMEOUT_SECONDS)
DIED = "The sender stopped before it could say what became of this message."


HOLDING = (Recipient, Message)


def _holds(table: type[Recipient] | type[Message], lane_id: Any) -> ColumnElement[bool]:
    return exists().where(table.lane_id == lane_id, table.state == literal_word("sending"))


def open_lane(session: Session, number_id: int | None, host: str, pid: int) -> int:
    """A new lane with a fresh lease; its id."""
    now = database_now(session)
    lane = Lane(number_id=number_id, host=host[:255], pid=pid, started_at=now, beat_at=now, expires_at=now + LEASE)
    session.add(lane)
    session.flush()
    return lane.id


def renew_lease(session: Session, lane_id: int) -> bool:
    """Renew the lease; False if the sweep gave the lane up, which ends it."""
    now = database_now(session)
    statement = (
        update(Lane)
        .where(Lane.id == lane_id, Lane.swept_at.is_(None), Lane.ended_at.is_(None))
        .values(beat_at=now, expires_at=now + LEASE)
    )
    return bool(session.execute(statement, execution_options=NO_SYNC).rowcount)  # type: ignore[attr-defined]


def is_alive(session: Session, lane_id: int) -> bool:
    """Whether the lane may claim: asked inside the claim's transaction, and kept so until its end."""
    query = (
        select(Lane.id)
        .where(
            Lane.id == lane_id,
            Lane.swept_at.is_(None),
            Lane.ended_at.is_(None),
            Lane.expires_at > database_now(session),
        )
        .with_for_update(read=True)
    )
    return session.execute(query).first() is not None


def end_lane(session: Session, lane_id: int) -> None:
    """The lane ends by itself. One that still holds a row (an unclear COMMIT, say) is left to the sweep instead."""
    session.execute(
        update(Lane)
        .where(Lane.id == lane_id, Lane.ended_at.is_(None), *(~_holds(table, lane_id) for table in HOLDING))
        .values(ended_at=database_now(session)),
        execution_options=NO_SYNC,
    )


def resume_lane(session: Session, lane_id: int) -> bool:
    """A lane that ended by itself goes on with a fresh lease; only the process that opened it may ask. False: it was swept."""
    now = database_now(session)
    resumed = session.execute(
        update(Lane)
        .where(Lane.id == lane_id, Lane.swept_at.is_(None))
        .values(ended_at=None, beat_at=now, expires_at=now + LEASE)
        .returning(Lane.id),
        execution_options=NO_SYNC,
    )
    return resumed.first() is not None


def live_lanes(session: Session) -> dict[int, int]:
    """How many lanes serve each number now."""
    query = (
        select(Lane.number_id, func.count())
        .where(Lane.swept_at.is_(None), Lane.ended_at.is_(None), Lane.expires_at > database_now(session))
        .group_by(Lane.number_id)
    )
    return {number_id: count for number_id, count in session.execute(query) if number_id is not None}


def lost_lanes(session: Session) -> list[int]:
    """Lanes whose lease is over for longer than a request can last."""
    over = Lane.expires_at < database_now(session) - GRACE
    died = select(Lane.id).where(Lane.swept_at.is_(None), Lane.ended_at.is_(None), over)
    lanes = set(session.scalars(died))
    for table in HOLDING:  # rows of a COMMIT that became visible only after their lane had ended
        held = select(table.lane_id).where(table.state == literal_word("sending")).distinct()
        lanes |= set(session.scalars(select(Lane.id).where(Lane.id.in_(held), Lane.swept_at.is_(None), over)))
    return sorted(lanes)


def expire_lane(session: Session, lane_id: int, now: datetime) -> int:
    """Give a lost lane up: what it had in `sending` becomes `unsure`. The number of rows; 0 also where another sweep was first."""
    taken = session.execute(
        update(Lane)
        .where(
            Lane.id == lane_id,
            Lane.swept_at.is_(None),
            Lane.expires_at < database_now(session) - GRACE,
        )
        .values(swept_at=now)
        .returning(Lane.id),
        execution_options=NO_SYNC,
    ).first()
    if taken is None:
        return 0
    swept = 0
    doubted: tuple[tuple[type[Recipient] | type[Message], dict[str, Any]], ...] = (
        (Recipient, {"state": RecipientState.UNSURE, "detail": DIED}),
        (Message, {"state": MessageState.UNSURE}),
    )
    for table, values in doubted:
        statement = (
            update(table)
            .where(table.lane_id == lane_id, table.state == literal_word("sending"))
            .values(unsure_at=now, error_msg=DIED, **values)
            .returning(table.id)
        )
        swept += len(session.execute(statement, execution_options=NO_SYNC).all())
    return swept
