"""Lists the sessions of a user for them and for administrators."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.browser_sessions import read_limits, valid_since
from models.tables.browser_session import BrowserSession

SHOWN_ENDED_FOR = timedelta(days=7)
MAX_ENDED = 20


def list_sessions(rt: Runtime, user_id: int, now: datetime) -> list[BrowserSession]:
    """The sessions in which a user is signed in, the last used first."""
    with rt.database.read() as session:
        query = select(BrowserSession).where(BrowserSession.user_id == user_id, _is_open(session, now))
        return list(session.scalars(query.order_by(BrowserSession.last_seen_at.desc(), BrowserSession.id.desc())))


def list_ended_sessions(rt: Runtime, user_id: int, now: datetime) -> list[BrowserSession]:
    """The sessions of a user that ended in the last week, the newest end first; at most 20."""
    with rt.database.read() as session:
        query = select(BrowserSession).where(
            BrowserSession.user_id == user_id,
            BrowserSession.ended_at > now - SHOWN_ENDED_FOR,
            BrowserSession.signed_in_at.is_not(None),
        )
        return list(session.scalars(query.order_by(BrowserSession.ended_at.desc()).limit(MAX_ENDED)))


def count_sessions(rt: Runtime, now: datetime) -> dict[int, int]:
    """User id → in how many browsers they are signed in."""
    with rt.database.read() as session:
        query = select(BrowserSession.user_id, func.count()).where(_is_open(session, now))
        return {user_id: count for user_id, count in session.execute(query.group_by(BrowserSession.user_id))}  # noqa: C416 - rows are no pairs to the type checker


def _is_open(session: Session, now: datetime) -> ColumnElement[bool]:
    is_signed_in = and_(BrowserSession.ended_at.is_(None), BrowserSession.signed_in_at.is_not(None))
    return and_(is_signed_in, valid_since(read_limits(session), now))
