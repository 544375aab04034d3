"""Says how long a session of a browser lasts, and ends and deletes those whose time is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.db.dialect import NO_SYNC
from models.tables.browser_session import BrowserSession, EndReason, end_sessions
from models.tables.setting import KNOWN, Setting

PENDING_FOR = timedelta(minutes=10)
"""How long the steps of one sign-in may take."""
ENDED_FOR = timedelta(days=30)
"""How long a session that ended is kept, for its user and for administrators."""
SLICE = 500


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts without a request, and altogether; and how long a confirmation counts."""

    idle: timedelta
    longest: timedelta
    confirmed: timedelta


def read_limits(session: Session) -> SessionLimits:
    """The limits that the settings give."""
    values = {key: KNOWN[key].default for key in ("session_idle_minutes", "session_hours", "confirm_minutes")}
    for row in session.scalars(select(Setting).where(Setting.key.in_(list(values)))):  # one query: every request asks
        values[row.key] = row.value
    idle, longest, confirmed = values.values()
    return SessionLimits(timedelta(minutes=idle), timedelta(hours=longest), timedelta(minutes=confirmed))


def valid_since(limits: SessionLimits, now: datetime) -> ColumnElement[bool]:
    """The condition of a session whose time is not over."""
    return and_(
        BrowserSession.last_seen_at > now - limits.idle,
        BrowserSession.created_at > now - limits.longest,
        or_(BrowserSession.signed_in_at.is_not(None), BrowserSession.created_at > now - PENDING_FOR),
    )


def purge_sessions(session: Session, now: datetime, limit: int = SLICE) -> int:
    """End sessions whose time is over, and delete those that ended long ago. Returns how many were deleted."""
    limits = read_limits(session)
    is_open = BrowserSession.ended_at.is_(None)
    for reason, is_over in (
        (EndReason.TOO_OLD, BrowserSession.created_at <= now - limits.longest),
        (EndReason.IDLE, ~valid_since(limits, now)),
    ):
        # Those that somebody else ends right now are left to them.
        over = session.scalars(select(BrowserSession.id).where(is_open, is_over).with_for_update(skip_locked=True))
        end_sessions(session, now, reason, among(session, BrowserSession.id, over))
    ids = session.scalars(
        select(BrowserSession.id)
        .where(BrowserSession.ended_at < now - ENDED_FOR)
        .order_by(BrowserSession.id)
        .limit(limit)
    ).all()
    if ids:
        session.execute(delete(BrowserSession).where(BrowserSession.id.in_(ids)), execution_options=NO_SYNC)
    return len(ids)
