"""Changing who works with the panel: roles, a new one-time password, letting in and keeping out."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.auth.passwords import hash_password, one_time_password
from admin.auth.users import read_role
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.crypto import new_token
from models.errors import Refused
from models.tables.user import Role, User, record_audit


def change_role(rt: Runtime, user_id: int, role: str, actor: str) -> None:
    """Give another role. Refused where it would leave no administrator."""
    wanted = read_role(role)
    with rt.database.write() as session:
        user = _existing(session, user_id)
        if user.role is Role.ADMIN and wanted is not Role.ADMIN:
            _check_another_admin(session, user_id)
        user.role = wanted
        record_audit(session, utcnow(), actor, "change_role", "user", user_id, role=wanted.value)


def reset_password(rt: Runtime, user_id: int, actor: str) -> str:
    """A one-time password, which must be changed at the next sign-in; every session of theirs ends, a lock too."""
    hashed = hash_password(one_time := one_time_password())
    with rt.database.write() as session:
        user = _existing(session, user_id)
        user.password_hash, user.must_change_password, user.session_key = hashed, True, new_token()
        user.failed_sign_ins, user.locked_until = 0, None
        record_audit(session, utcnow(), actor, "reset_password", "user", user_id)
    return one_time


def set_active(rt: Runtime, user_id: int, is_active: bool, actor: str) -> None:
    """Keep a user out, at once, or let them in again. Refused where it would leave no administrator."""
    with rt.database.write() as session:
        user = _existing(session, user_id)
        if not is_active:
            if user.role is Role.ADMIN:
                _check_another_admin(session, user_id)
            user.session_key = new_token()
        user.is_active = is_active
        record_audit(session, utcnow(), actor, "let_in" if is_active else "keep_out", "user", user_id)


def _existing(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise Refused(f"user {user_id}: there is no such user")
    return user


def _check_another_admin(session: Session, user_id: int) -> None:
    others = select(func.count()).where(User.role == Role.ADMIN, User.is_active.is_(True), User.id != user_id)
    if not session.scalar(others):
        raise Refused("This is the only administrator; make another one first.")
