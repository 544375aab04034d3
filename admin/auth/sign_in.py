"""Recognises users by e-mail and password. How attempts are slowed down is in `admin.auth.attempts`.

The session that follows is in `admin.auth.sessions`, its cookie in `admin.auth.web_security`.
"""

import time
from datetime import datetime
from functools import cache

from sqlalchemy import select

from admin.auth.attempts import Attempt, TooManyAttemptsError, count_outcome, forget_attempts, take_attempt
from admin.auth.confirmation import is_own_password
from admin.auth.password_rule import names_of
from admin.auth.passwords import hash_password, new_one_time_password, verify_password
from admin.auth.sessions import OpenSession, end_sessions_of, renew_session
from admin.auth.signed_in_user import SignedInUser
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import EndReason
from models.tables.user import User

WRONG = "The e-mail or the password is not right."
STRANGER = "somebody"
"""The actor of a failed attempt: who it was is not known."""
EVEN_SECONDS = 0.25
"""The answer to a failed attempt comes after a multiple of this time."""


def sign_in(
    rt: Runtime, email: str, password: str, address: str, now: datetime, *, device: str | None = None
) -> SignedInUser:
    """Recognise a user by their password, the first step of a sign-in (admin.auth.sessions).

    `device` is the cookie of this browser, if it has one (admin.auth.attempts).

    Raises TooManyAttemptsError if the attempt comes too early, OperatorError if the e-mail or the password is wrong: the text and
    the time are the same for an unknown e-mail.
    """
    began = time.monotonic()
    email = email.strip().lower()[:254]
    attempt = take_attempt(rt, email, address, device)
    with rt.database.read() as session:
        user = session.scalars(select(User).where(User.email == email, User.is_active.is_(True))).first()
    dummy = _dummy_hash()  # asked for either way, and computed either way: its time does not show who has an account
    try:
        is_right = verify_password(
            user.password_hash if user else dummy, password, is_stranger=not attempt.is_known_device
        )
    except TooManyAttemptsError:
        count_outcome(rt, "limited")
        raise
    if user is None or not is_right:
        _record_failure(rt, user.id if user else None, attempt, now)
        _wait_for_even_moment(began)
        raise OperatorError(WRONG)
    forget_attempts(rt, email, device)
    return SignedInUser.of(user)


@retry_conflicts
def _record_failure(rt: Runtime, user_id: int | None, attempt: Attempt, now: datetime) -> None:
    """Count it, and note it in the audit if there is such a user: strangers cannot fill the audit with what they type."""
    if user_id is not None:
        with rt.database.write() as session:
            record_audit(session, now, STRANGER, AuditAction.SIGN_IN_FAILED, "user", user_id)
            if attempt.has_slowed:
                record_audit(session, now, STRANGER, AuditAction.SIGN_IN_SLOWED, "user", user_id)
    count_outcome(rt, "failed")


def _wait_for_even_moment(began: float) -> None:
    """Wait until a whole number of EVEN_SECONDS passed: noting a failure takes a moment longer than noting none."""
    if EVEN_SECONDS:
        time.sleep(EVEN_SECONDS - (time.monotonic() - began) % EVEN_SECONDS)


def change_password(
    rt: Runtime, open_session: OpenSession, current: str, new: str, address: str, now: datetime, *, device: str | None
) -> str:
    """Set the user's own password and end every other session. Returns the token that takes the place of this session's.

    `current` is not needed after a one-time password. `device` as in `sign_in`.

    Raises TooManyAttemptsError if wrong ones came too often, OperatorError if `current` is wrong, or the new password is the
    present one or must not be used (admin.auth.password_rule).
    """
    person = open_session.user
    with rt.database.read() as session:
        stored = session.get_one(User, person.id).password_hash
        own_names = names_of(session, rt.settings.public_url, person.email, person.name)
    if not person.must_change_password and not is_own_password(rt, open_session, current, address, now, device=device):
        raise OperatorError("current: that is not your password")
    if verify_password(stored, new):
        raise OperatorError("new: choose one that is not your present one")
    token, count = _store(rt, open_session, stored, hash_password(new, own_names), now)
    count_outcome(rt, "sessions_ended", count)
    return token


@retry_conflicts
def _store(rt: Runtime, open_session: OpenSession, stored: str, hashed: str, now: datetime) -> tuple[str, int]:
    """The write of `change_password`, alone: the attempt was counted, and nothing is hashed again where this is repeated."""
    with rt.database.write() as session:
        user = session.scalar(select(User).where(User.id == open_session.user.id).with_for_update())
        if user is None or user.password_hash != stored:
            raise OperatorError("new: your password was changed meanwhile; sign in again")
        user.password_hash, user.must_change_password = hashed, False
        count = end_sessions_of(session, user.id, EndReason.PASSWORD_CHANGED, now, keep=open_session.id)
        record_audit(session, now, user.email, AuditAction.CHANGE_PASSWORD, "user", user.id, sessions=count)
        return renew_session(session, open_session.id, now), count


@cache
def _dummy_hash() -> str:
    """A hash that no password fits, verified for an unknown e-mail. Made at first use: it takes 100 ms."""
    return new_one_time_password()[1]
