"""Adds and changes users of the panel, and adds API tokens."""

import hashlib
import re
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.auth.attempts import count_outcome, forget_attempts
from admin.auth.password_rule import names_of
from admin.auth.passwords import hash_password, new_one_time_password
from admin.auth.sessions import end_sessions_of
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.crypto import new_token
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import EndReason
from models.tables.user import ApiToken, Role, User

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_FIRST_EMAIL = "admin@localhost"


@dataclass(frozen=True)
class AddedUser:
    """A new user; `password` is the one-time password, None if the caller supplied one."""

    id: int
    email: str
    role: Role
    password: str | None


@dataclass(frozen=True)
class AddedToken:
    """A new API token; `token` is shown once and not stored."""

    id: int
    name: str
    role: Role
    token: str


def add_user(rt: Runtime, email: str, role: str, password: str | None, actor: str) -> AddedUser:
    """Add a user, with a one-time password if none is given.

    Raises OperatorError if the e-mail is bad or taken, the password must not be used (admin.auth.password_rule), or the role is
    unknown.
    """
    one_time = None
    if password is None:
        one_time, hashed = new_one_time_password()
    else:
        with rt.database.read() as session:
            own_names = names_of(session, rt.settings.public_url, email)
        hashed = hash_password(password, own_names)
    with rt.database.write() as session:
        user = _new_user(session, email, role, hashed, actor, must_change=one_time is not None)
        return AddedUser(user.id, user.email, user.role, one_time)


def add_first_admin(rt: Runtime) -> AddedUser | None:
    """Add the administrator of a new installation; None if there is a user already."""
    with rt.database.read() as session:
        if session.scalar(select(func.count()).select_from(User)):
            return None
    one_time, hashed = new_one_time_password()
    with rt.database.write() as session:
        if session.scalar(select(func.count()).select_from(User)):
            return None  # a concurrent first start added one
        user = _new_user(session, _FIRST_EMAIL, Role.ADMIN, hashed, "up", must_change=True)
        return AddedUser(user.id, user.email, user.role, one_time)


def add_token(rt: Runtime, name: str, role: str, actor: str) -> AddedToken:
    """Add a bearer token. Raises OperatorError if the name is empty, too long or taken, or the role unknown."""
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise OperatorError("name: allowed are 1 to 100 characters")
    token = f"hark_{new_token(30)}"
    now = utcnow()
    with rt.database.write() as session:
        if session.scalars(select(ApiToken).where(ApiToken.name == name)).first():
            raise OperatorError("name={name}: there is a token of that name already", name=name)
        row = ApiToken(name=name, token_hash=token_hash(token), role=read_role(role), created_at=now)
        session.add(row)
        session.flush()
        record_audit(session, now, actor, AuditAction.ADD, "api_token", row.id, name=name, role=row.role.value)
        return AddedToken(row.id, row.name, row.role, token)


def token_hash(token: str) -> str:
    """The hash of a bearer token that is stored. A token is random, so an unsalted SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_role(role: str) -> Role:
    """Parse a role. Raises OperatorError if there is no such role."""
    try:
        return Role(role)
    except ValueError:
        raise OperatorError("role={role}: allowed are {allowed}", role=role, allowed=", ".join(Role)) from None


def read_email(email: str) -> str:
    """The address trimmed and in lower case. Raises OperatorError if it is no address."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise OperatorError("email={email}: allowed is an address such as ana@example.com", email=email[:254])
    return email


def _new_user(session: Session, email: str, role: str, hashed: str, actor: str, *, must_change: bool) -> User:
    email, now = read_email(email), utcnow()
    if session.scalars(select(User).where(User.email == email)).first():
        raise OperatorError("email={email}: there is a user of that address already", email=email)
    user = User(
        email=email,
        password_hash=hashed,
        role=read_role(role),
        must_change_password=must_change,
        session_key=new_token(),
        created_at=now,
    )
    session.add(user)
    session.flush()
    record_audit(session, now, actor, AuditAction.ADD, "user", user.id, email=email, role=user.role.value)
    return user


def change_role(rt: Runtime, user_id: int, role: str, actor: str, *, keep: int | None = None) -> None:
    """Give a user another role and end their sessions, but not that with the id `keep`.

    Raises OperatorError if there is no such role or user, or no administrator would be left.
    """
    new_role, now = read_role(role), utcnow()
    with rt.database.write() as session:
        user = load_user(session, user_id)
        if user.role is new_role:
            return
        if user.role is Role.ADMIN:
            check_another_admin(session, user_id)
        user.role = new_role
        count = end_sessions_of(session, user_id, EndReason.ROLE_CHANGED, now, keep=keep)
        record_audit(session, now, actor, AuditAction.CHANGE_ROLE, "user", user_id, role=new_role.value, sessions=count)
    count_outcome(rt, "sessions_ended", count)


def reset_password(rt: Runtime, user_id: int, actor: str) -> str:
    """Set a one-time password, which must be changed at the next sign-in; returns it.

    Ends every session of the user and forgets failed attempts. Raises OperatorError if there is no such user.
    """
    now = utcnow()
    one_time, hashed = new_one_time_password()
    with rt.database.write() as session:
        user = load_user(session, user_id)
        user.password_hash, user.must_change_password = hashed, True
        email = user.email
        count = end_sessions_of(session, user_id, EndReason.PASSWORD_RESET, now)
        record_audit(session, now, actor, AuditAction.RESET_PASSWORD, "user", user_id, sessions=count)
    count_outcome(rt, "sessions_ended", count)
    forget_attempts(rt, email)
    return one_time


def unlock(rt: Runtime, user_id: int, actor: str) -> None:
    """Forget the failed attempts to sign in. Raises OperatorError if there is no such user."""
    with rt.database.write() as session:
        email = load_user(session, user_id).email
        record_audit(session, utcnow(), actor, AuditAction.UNLOCK, "user", user_id)
    forget_attempts(rt, email)


def find_user(rt: Runtime, email: str) -> User:
    """The user of this address. Raises OperatorError if there is none."""
    address = read_email(email)
    with rt.database.read() as session:
        user = session.scalars(select(User).where(User.email == address)).first()
    if user is None:
        raise OperatorError("email={email}: there is no such user", email=address)
    return user


def list_users(rt: Runtime) -> list[User]:
    """All users, by their address."""
    with rt.database.read() as session:
        return list(session.scalars(select(User).order_by(User.email)))


def set_active(rt: Runtime, user_id: int, is_active: bool, actor: str) -> None:
    """Activate or deactivate a user; deactivation ends every session at once.

    Raises OperatorError if there is no such user, or no active administrator would be left.
    """
    now = utcnow()
    with rt.database.write() as session:
        user = load_user(session, user_id)
        if is_active:
            user.is_active = True
            record_audit(session, now, actor, AuditAction.ACTIVATE, "user", user_id)
            return
        if user.role is Role.ADMIN:
            check_another_admin(session, user_id)
        user.is_active = False
        count = end_sessions_of(session, user_id, EndReason.DEACTIVATED, now)
        record_audit(session, now, actor, AuditAction.DEACTIVATE, "user", user_id, sessions=count)
    count_outcome(rt, "sessions_ended", count)


def load_user(session: Session, user_id: int) -> User:
    """The user. Raises OperatorError if there is no such user."""
    user = session.get(User, user_id)
    if user is None:
        raise OperatorError("user {user_id}: there is no such user", user_id=user_id)
    return user


def check_another_admin(session: Session, user_id: int) -> None:
    """Raises OperatorError if no active administrator would be left without this user."""
    # Locked, so that of two administrators who demote each other at once one is refused.
    admins = (
        select(User.id).where(User.role == Role.ADMIN, User.is_active.is_(True)).order_by(User.id).with_for_update()
    )
    if not set(session.scalars(admins)) - {user_id}:
        raise OperatorError("This is the only administrator; make another one first.")
