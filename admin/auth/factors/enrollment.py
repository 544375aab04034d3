"""Adds, removes and resets second factors of users. What the passkeys themselves need is in `admin.auth.factors.passkeys`."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from admin.auth.attempts import count_outcome, forget_factor_attempts
from admin.auth.factors.policy import factors_of, has_factor, is_required
from admin.auth.factors.recovery_codes import codes_left, make_codes, remove_codes
from admin.auth.factors.totp import confirm_totp
from admin.auth.sessions import end_sessions_of
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import EndReason
from models.tables.second_factor import Passkey, Totp
from models.tables.user import User

WRONG_CODE = "This code is not right. Type the one that the app shows now."


@retry_conflicts
def enroll_totp(rt: Runtime, user_id: int, code: str, now: datetime, *, keep: int | None = None) -> tuple[str, ...]:
    """Have the authenticator app that was set up count. Returns new recovery codes, if the user had none left.

    With the first factor the user's sessions end, which began without it, but not that with the id `keep`.
    Raises OperatorError if the code is wrong, or no app was being set up.
    """
    with rt.database.write() as session:
        user = lock_user(session, user_id)
        is_first = not has_factor(session, user_id)
        if not confirm_totp(session, rt.vault, user_id, code, now):
            raise OperatorError(WRONG_CODE)
        codes = note_enrolled(session, user, now, is_first=is_first, keep=keep, kind="totp")
    count_outcome(rt, "factor_enrolled")
    return codes


def note_enrolled(
    session: Session, user: User, now: datetime, *, is_first: bool, keep: int | None, **detail: str
) -> tuple[str, ...]:
    """Audit a new factor, and end the sessions that began without one. Returns new recovery codes, if the user had none left."""
    if is_first:
        end_sessions_of(session, user.id, EndReason.FACTOR_ADDED, now, keep=keep)
    record_audit(session, now, user.email, AuditAction.ENROLL_FACTOR, "user", user.id, **detail)
    return () if codes_left(session, user.id) else make_codes(session, user.id, now)


@retry_conflicts
def renew_codes(rt: Runtime, user_id: int, now: datetime) -> tuple[str, ...]:
    """Make new recovery codes, which replace the earlier ones. Raises OperatorError if the user has no second factor."""
    with rt.database.write() as session:
        user = lock_user(session, user_id)
        if not has_factor(session, user_id):
            raise OperatorError("Set up a second factor first: recovery codes stand for one that was lost.")
        codes = make_codes(session, user_id, now)
        record_audit(session, now, user.email, AuditAction.NEW_RECOVERY_CODES, "user", user_id)
    return codes


@retry_conflicts
def remove_totp(rt: Runtime, user_id: int, now: datetime) -> None:
    """Remove the user's authenticator app.

    Raises OperatorError if there is none, or it is their only factor and their role needs one.
    """
    with rt.database.write() as session:
        user = lock_user(session, user_id)
        if factors_of(session, user_id).totp_since is None:
            raise OperatorError("There is no authenticator app.")
        session.execute(delete(Totp).where(Totp.user_id == user_id), execution_options=NO_SYNC)
        _note_removed(session, user, now, kind="totp")
    count_outcome(rt, "factor_removed")


@retry_conflicts
def remove_passkey(rt: Runtime, user_id: int, passkey_id: int, now: datetime) -> None:
    """Remove a passkey of the user.

    Raises OperatorError if they have no such passkey, or it is their only factor and their role needs one.
    """
    with rt.database.write() as session:
        user = lock_user(session, user_id)
        removed = session.scalar(
            delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id).returning(Passkey.name),
            execution_options=NO_SYNC,
        )
        if removed is None:
            raise OperatorError("This passkey was removed already.")
        _note_removed(session, user, now, kind="passkey", name=removed)
    count_outcome(rt, "factor_removed")


@retry_conflicts
def reset_factors(rt: Runtime, user_id: int, actor: str) -> int:
    """Remove every second factor of a user, passkeys and recovery codes too, and end their sessions. Returns how many it were.

    A device that is lost usually held all of them. Raises OperatorError if there is no such user.
    """
    now = utcnow()
    with rt.database.write() as session:
        user = lock_user(session, user_id)
        count = factors_of(session, user_id).count
        for table in (Totp, Passkey):
            session.execute(delete(table).where(table.user_id == user_id), execution_options=NO_SYNC)
        remove_codes(session, user_id)
        ended = end_sessions_of(session, user_id, EndReason.FACTORS_RESET, now)
        record_audit(session, now, actor, AuditAction.RESET_FACTORS, "user", user_id, factors=count, sessions=ended)
        email = user.email
    count_outcome(rt, "factor_reset")
    forget_factor_attempts(rt, email)
    return count


def lock_user(session: Session, user_id: int) -> User:
    """The user's row, locked: of several changes of one user's factors one happens after the other.

    Raises OperatorError if there is no such user.
    """
    user = session.scalar(select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise OperatorError("user {user_id}: there is no such user", user_id=user_id)
    return user


def _note_removed(session: Session, user: User, now: datetime, **detail: str) -> None:
    """Audit the removal of a factor. Raises OperatorError, so that it does not happen, if the role needs the last one."""
    if not has_factor(session, user.id):
        if is_required(session, user.role):
            raise OperatorError("Your role needs a second factor. Set up another one before you remove this one.")
        remove_codes(session, user.id)
    record_audit(session, now, user.email, AuditAction.REMOVE_FACTOR, "user", user.id, **detail)
