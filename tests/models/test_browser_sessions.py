"""Sessions of browsers whose time is over."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.browser_sessions import purge_sessions, read_limits
from models.crypto import new_token
from models.tables.browser_session import BrowserSession, EndReason, SignInMethod
from models.tables.setting import write_setting
from models.tables.user import Role, User
from tests.support.factories.common import NOW


def add_session(session: Session, *, began: timedelta, seen: timedelta, is_pending: bool = False) -> BrowserSession:
    """A session of a new user that began, and was last used, so long ago."""
    user = User(email=new_token(), password_hash="-", role=Role.VIEWER, session_key=new_token(), created_at=NOW)
    session.add(user)
    session.flush()
    row = BrowserSession(
        user_id=user.id,
        token_hash=new_token(),
        method=SignInMethod.PASSWORD,
        address="192.0.2.1",
        browser="Firefox on Linux",
        created_at=NOW - began,
        last_seen_at=NOW - seen,
        signed_in_at=None if is_pending else NOW - began,
    )
    session.add(row)
    session.flush()
    return row


def end_of(session: Session, row: BrowserSession) -> tuple[datetime | None, EndReason | None]:
    session.refresh(row)
    return row.ended_at, row.end_reason


def test_sessions_end_by_themselves_and_say_why(session: Session) -> None:
    minutes, hours = timedelta(minutes=1), timedelta(hours=1)
    used = add_session(session, began=167 * hours, seen=719 * minutes)
    idle = add_session(session, began=100 * hours, seen=721 * minutes)
    old = add_session(session, began=169 * hours, seen=minutes)
    pending = add_session(session, began=11 * minutes, seen=11 * minutes, is_pending=True)
    assert purge_sessions(session, NOW) == 0
    assert end_of(session, used) == (None, None)
    assert end_of(session, idle) == end_of(session, pending) == (NOW, EndReason.IDLE)
    assert end_of(session, old) == (NOW, EndReason.TOO_OLD)


def test_sessions_that_ended_are_deleted_after_a_month_in_slices(session: Session) -> None:
    rows = [add_session(session, began=timedelta(hours=1), seen=timedelta()) for _ in range(4)]
    for row, days in zip(rows, (29, 31, 31, None), strict=True):
        row.ended_at = None if days is None else NOW - timedelta(days=days)
    session.flush()
    assert purge_sessions(session, NOW, limit=1) == 1
    assert purge_sessions(session, NOW) == 1
    assert session.scalars(select(BrowserSession.id).order_by(BrowserSession.id)).all() == [rows[0].id, rows[3].id]


def test_the_settings_say_how_long_a_session_lasts(session: Session) -> None:
    row = add_session(session, began=timedelta(hours=2), seen=timedelta(minutes=6))
    for key, value in (("session_idle_minutes", 5), ("session_hours", 1), ("confirm_minutes", 3)):
        write_setting(session, key, value, NOW)
    session.flush()
    limits = read_limits(session)
    assert (limits.idle, limits.longest, limits.confirmed) == (
        timedelta(minutes=5), timedelta(hours=1), timedelta(minutes=3),
    )  # fmt: skip
    purge_sessions(session, NOW)
    assert end_of(session, row) == (NOW, EndReason.TOO_OLD)
