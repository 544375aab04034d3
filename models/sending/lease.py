"""Opens, renews, ends and expires the lease of a lane (a sender). Its times are the database's; the lane uses a monotonic clock.

A lane renews its lease every 2 s, for 8 s. It begins no request once the lease is over by its own clock; the sweep expires it one
request time-out later, when no request of the lane can still be running.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, database_now, literal_word
from models.stored_texts import SENDER_DIED
from models.tables.conversation import Message, MessageState
from models.tables.lane import LEASE_SECONDS, REQUEST_TIMEOUT_SECONDS, Lane
from models.tables.recipient import Recipient, RecipientState

LEASE = timedelta(seconds=LEASE_SECONDS)
GRACE = timedelta(seconds=REQUEST_TIMEOUT_SECONDS)


HOLDING = (Recipient, Message)


def _holds(table: type[Recipient] | type[Message], lane_id: Any) -> ColumnElement[bool]:
    return exists().where(table.lane_id == lane_id, table.state == literal_word("sending"))


def open_lane(session: Session, number_id: int | None, host: str, pid: int) -> int:
    """Insert a lane with a fresh lease; returns its id."""
    now = database_now(session)
    lane = Lane(number_id=number_id, host=host[:255], pid=pid, started_at=now, beat_at=now, expires_at=now + LEASE)
    session.add(lane)
    session.flush()
    return lane.id


def renew_lease(session: Session, lane_id: int) -> bool:
    """Renew the lease. False if the sweep expired the lane or it has ended: then it may send no more."""
    now = database_now(session)
    statement = (
        update(Lane)
        .where(Lane.id == lane_id, Lane.swept_at.is_(None), Lane.ended_at.is_(None))
        .values(beat_at=now, expires_at=now + LEASE)
    )
    return bool(session.execute(statement, execution_options=NO_SYNC).rowcount)  # type: ignore[attr-defined]


def is_alive(session: Session, lane_id: int) -> bool:
    """Whether the lane may claim. The row stays locked, so the answer holds until the end of the claim's transaction."""
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
    """End the lane, unless it still holds a row (after an unclear COMMIT, for example): then the sweep expires it."""
    session.execute(
        update(Lane)
        .where(Lane.id == lane_id, Lane.ended_at.is_(None), *(~_holds(table, lane_id) for table in HOLDING))
        .values(ended_at=database_now(session)),
        execution_options=NO_SYNC,
    )


def resume_lane(session: Session, lane_id: int) -> bool:
    """Reopen an ended lane with a fresh lease; only for the process that opened it. False if the sweep expired it."""
    now = database_now(session)
    resumed_ids = session.execute(
        update(Lane)
        .where(Lane.id == lane_id, Lane.swept_at.is_(None))
        .values(ended_at=None, beat_at=now, expires_at=now + LEASE)
        .returning(Lane.id),
        execution_options=NO_SYNC,
    )
    return resumed_ids.first() is not None


def live_lanes(session: Session) -> dict[int, int]:
    """The number of live lanes by number id."""
    query = (
        select(Lane.number_id, func.count())
        .where(Lane.swept_at.is_(None), Lane.ended_at.is_(None), Lane.expires_at > database_now(session))
        .group_by(Lane.number_id)
    )
    return {number_id: count for number_id, count in session.execute(query) if number_id is not None}


def lost_lanes(session: Session) -> list[int]:
    """The ids of lanes whose lease has been over for longer than a request can last."""
    is_over = Lane.expires_at < database_now(session) - GRACE
    expired_ids = select(Lane.id).where(Lane.swept_at.is_(None), Lane.ended_at.is_(None), is_over)
    lanes = set(session.scalars(expired_ids))
    for table in HOLDING:  # rows of a COMMIT that became visible only after their lane had ended
        held_ids = select(table.lane_id).where(table.state == literal_word("sending")).distinct()
        lanes |= set(session.scalars(select(Lane.id).where(Lane.id.in_(held_ids), Lane.swept_at.is_(None), is_over)))
    return sorted(lanes)


def expire_lane(session: Session, lane_id: int, now: datetime) -> int:
    """Expire a lost lane: its rows in `sending` become `unsure`. Returns their number; 0 also if another sweep was first."""
    expired = session.execute(
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
    if expired is None:
        return 0
    count, detail = 0, SENDER_DIED().stored()
    unsure_values: tuple[tuple[type[Recipient] | type[Message], dict[str, Any]], ...] = (
        (Recipient, {"state": RecipientState.UNSURE, "detail": detail}),
        (Message, {"state": MessageState.UNSURE}),
    )
    for table, values in unsure_values:
        statement = (
            update(table)
            .where(table.lane_id == lane_id, table.state == literal_word("sending"))
            .values(unsure_at=now, error_msg=detail, **values)
            .returning(table.id)
        )
        count += len(session.execute(statement, execution_options=NO_SYNC).all())
    return count
