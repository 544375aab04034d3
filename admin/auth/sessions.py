"""Begins, finds and ends sessions of browsers. They are rows: whoever ends one ends every copy of its token.

A sign-in has two steps. `begin_session` notes that a user was recognised, by their password for instance; the session is pending
and opens no page. `complete_session` makes it a session that is signed in. What a user must do in between (a second factor) is
decided by whoever calls them, and so is when a user confirms again that it is them: `confirm_session`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from admin.auth.attempts import count_outcome
from admin.auth.signed_in_user import SignedInUser
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.browser_sessions import SessionLimits, read_limits, valid_since
from models.crypto import new_token
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import BrowserSession, EndReason, SignInMethod, end_sessions
from models.tables.user import User

SEEN_EVERY = timedelta(minutes=1)
"""`last_seen_at` is written at most this often."""


@dataclass(frozen=True, slots=True)
class SessionOrigin:
    """Where a session begins: the client's address, and its browser as a short text."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that is valid now. A pending one (`is_complete` is False) is of a sign-in that lacks a step."""

    id: int
    user: SignedInUser
    method: SignInMethod
    is_complete: bool
    last_seen_at: datetime
    confirmed_at: datetime | None
    limits: SessionLimits

    def is_confirmed(self, now: datetime) -> bool:
        """Whether the user proved recently enough that it is them. A proof from after `now` is of a clock that was put back."""
        return self.confirmed_at is not None and abs(now - self.confirmed_at) < self.limits.confirmed


@retry_conflicts
def begin_session(
    rt: Runtime,
    user: SignedInUser,
    method: SignInMethod,
    origin: SessionOrigin,
    now: datetime,
    *,
    replaces: str | None = None,
) -> str:
    """Begin a pending session and return its token. `replaces` is the token that the browser had before: its session ends.

    Raises OperatorError if the user's sessions were ended, or the user deactivated, since `user` was read.
    """
    token = new_token()
    with rt.database.write() as session:
        row = session.scalar(select(User).where(User.id == user.id).with_for_update())
        if row is None or not row.is_active or row.session_key != user.key:
            raise OperatorError("Your account was changed while you signed in. Sign in again.")
        if replaces is not None:
            end_sessions(session, now, EndReason.REPLACED, BrowserSession.token_hash == hash_token(replaces))
        session.add(
            BrowserSession(
                user_id=user.id,
                token_hash=hash_token(token),
                method=method,
                address=origin.address[:64],
                browser=origin.browser[:100],
                created_at=now,
                last_seen_at=now,
            )
        )
    return token


@retry_conflicts
def complete_session(rt: Runtime, token: str, now: datetime, method: SignInMethod | None = None) -> str:
    """Complete a pending session and return the token that takes the place of `token`.

    `method` is of the last step, if there was one after the first. Raises OperatorError if the session is over or complete already.
    """
    renewed = new_token()
    with rt.database.write() as session:
        is_same = BrowserSession.token_hash == hash_token(token)
        # The user first, as whoever ends their sessions does.
        user = session.scalar(select(User).join(BrowserSession).where(is_same).with_for_update(of=User))
        changes = {"token_hash": hash_token(renewed), "signed_in_at": now, "last_seen_at": now, "confirmed_at": now}
        completed = session.scalar(
            update(BrowserSession)
            .where(
                is_same,
                BrowserSession.ended_at.is_(None),
                BrowserSession.signed_in_at.is_(None),
                valid_since(read_limits(session), now),
            )
            .values(changes if method is None else changes | {"method": method})
            .returning(BrowserSession.method),
            execution_options=NO_SYNC,
        )
        if user is None or completed is None:
            raise OperatorError("This sign-in took too long. Sign in again.")
        user.last_sign_in_at = now
        record_audit(session, now, user.email, AuditAction.SIGN_IN, "user", user.id, method=completed.value)
    return renewed


def find_session(rt: Runtime, token: str, now: datetime) -> OpenSession | None:
    """The session of this token; None if it ended, is too old, or its user is not active."""
    with rt.database.read() as session:
        limits = read_limits(session)
        found = session.execute(
            select(BrowserSession, User)
            .join(User, User.id == BrowserSession.user_id)
            .where(
                BrowserSession.token_hash == hash_token(token),
                BrowserSession.ended_at.is_(None),
                User.is_active.is_(True),
                valid_since(limits, now),
            )
        ).first()
    if found is None:
        return None
    row, user = found
    return OpenSession(
        row.id,
        SignedInUser.of(user),
        row.method,
        row.signed_in_at is not None,
        row.last_seen_at,
        row.confirmed_at,
        limits,
    )


@retry_conflicts
def note_seen(rt: Runtime, session_id: int, now: datetime) -> None:
    """Note that a session was used; of several requests at once one writes."""
    with rt.database.write() as session:
        session.execute(
            update(BrowserSession)
            .where(BrowserSession.id == session_id, BrowserSession.last_seen_at < now - SEEN_EVERY)
            .values(last_seen_at=now),
            execution_options=NO_SYNC,
        )


@retry_conflicts
def confirm_session(rt: Runtime, open_session: OpenSession, method: SignInMethod, now: datetime) -> str:
    """Note that the user proved again, by `method`, that it is them. Returns the token that takes the place of the present one.

    Raises OperatorError if the session ended meanwhile.
    """
    with rt.database.write() as session:
        token = _renew(session, open_session.id, confirmed_at=now)
        user = open_session.user
        record_audit(session, now, user.email, AuditAction.CONFIRM, "user", user.id, method=method.value)
    return token


def renew_session(session: Session, session_id: int, now: datetime) -> str:
    """Give a session another token after its user proved that it is them, for instance to change the password; returns it.

    Raises OperatorError if the session ended meanwhile.
    """
    return _renew(session, session_id, confirmed_at=now)


@retry_conflicts
def sign_out(rt: Runtime, open_session: OpenSession, now: datetime) -> bool:
    """End the session of this browser. False if it ended already."""
    with rt.database.write() as session:
        if not end_sessions(session, now, EndReason.SIGNED_OUT, BrowserSession.id == open_session.id):
            return False
        user = open_session.user
        record_audit(session, now, user.email, AuditAction.SIGN_OUT, "user", user.id)
    return True


@retry_conflicts
def end_session(rt: Runtime, user_id: int, session_id: int, actor: str, now: datetime) -> None:
    """End one session of a user. Raises OperatorError if the user has no such session, or it ended already."""
    with rt.database.write() as session:
        ended = end_sessions(
            session,
            now,
            EndReason.ENDED_BY_USER,
            BrowserSession.id == session_id,
            BrowserSession.user_id == user_id,
        )
        if not ended:
            raise OperatorError("This session ended already.")
        record_audit(session, now, actor, AuditAction.END_SESSION, "user", user_id, session_id=session_id)
    count_outcome(rt, "sessions_ended")


@retry_conflicts
def end_other_sessions(rt: Runtime, open_session: OpenSession, now: datetime) -> int:
    """End every session of the user but this one. Returns how many."""
    user = open_session.user
    with rt.database.write() as session:
        count = end_sessions_of(session, user.id, EndReason.ENDED_BY_USER, now, keep=open_session.id)
        record_audit(session, now, user.email, AuditAction.END_SESSIONS, "user", user.id, sessions=count)
    count_outcome(rt, "sessions_ended", count)
    return count


@retry_conflicts
def end_all_sessions(rt: Runtime, user_id: int, actor: str, now: datetime) -> int:
    """End every session of a user. Returns how many. Raises OperatorError if there is no such user."""
    with rt.database.write() as session:
        if session.get(User, user_id) is None:
            raise OperatorError("user {user_id}: there is no such user", user_id=user_id)
        count = end_sessions_of(session, user_id, EndReason.ENDED_BY_ADMIN, now)
        record_audit(session, now, actor, AuditAction.END_SESSIONS, "user", user_id, sessions=count)
    count_outcome(rt, "sessions_ended", count)
    return count


def end_sessions_of(
    session: Session, user_id: int, reason: EndReason, now: datetime, *, keep: int | None = None
) -> int:
    """End the sessions of a user, but not that with the id `keep`, and the sign-ins that have begun.

    Returns how many were signed in.
    """
    # First: a sign-in that reads the user now waits for this transaction, and then finds another key.
    session.execute(update(User).where(User.id == user_id).values(session_key=new_token()), execution_options=NO_SYNC)
    others: Sequence[ColumnElement[bool]] = (BrowserSession.user_id == user_id,)
    if keep is not None:
        others = (*others, BrowserSession.id != keep)
    count = end_sessions(session, now, reason, *others, BrowserSession.signed_in_at.is_not(None))
    end_sessions(session, now, reason, *others)
    return count


def hash_token(token: str) -> str:
    """The hash of a token that is stored. A token has 256 random bits, so an unsalted SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _renew(session: Session, session_id: int, confirmed_at: datetime) -> str:
    token = new_token()
    renewed = session.scalar(
        update(BrowserSession)
        .where(BrowserSession.id == session_id, BrowserSession.ended_at.is_(None))
        .values(token_hash=hash_token(token), confirmed_at=confirmed_at)
        .returning(BrowserSession.id),
        execution_options=NO_SYNC,
    )
    if renewed is None:
        raise OperatorError("This session ended meanwhile. Sign in again.")
    return token
