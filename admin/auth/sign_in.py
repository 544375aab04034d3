"""Signs users in with e-mail and password. How attempts are slowed down is in `admin.auth.attempts`.

The browser's session is in `admin.auth.web_security`.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import select

from admin.auth.attempts import count_outcome, forget_attempts, hashing, take_attempt
from admin.auth.passwords import hash_password, verify_password
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.crypto import new_token
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.user import Role, User

WRONG = "The e-mail or the password is not right."
STRANGER = "somebody"
"""The actor of a failed attempt: who it was is not known."""


@dataclass(frozen=True)
class SignedInUser:
    """A user who is signed in. `key` is stored in the session cookie and changes with the password."""

    id: int
    email: str
    name: str
    role: Role
    key: str
    must_change_password: bool

    def may(self, role: Role) -> bool:
        """Whether the user has this role or a higher one."""
        order = list(Role)
        return order.index(self.role) >= order.index(role)


def signed_in_user(rt: Runtime, key: str) -> SignedInUser | None:
    """The active user with this session key; None if the key was changed or the user is deactivated."""
    with rt.database.read() as session:
        user = session.scalars(select(User).where(User.session_key == key, User.is_active.is_(True))).first()
    return _signed_in_user(user) if user else None


@retry_conflicts
def sign_in(
    rt: Runtime, email: str, password: str, address: str, now: datetime, *, device: str | None = None
) -> SignedInUser:
    """Sign a user in. `device` is the cookie of this browser, if it has one (admin.auth.attempts).

    Raises TooManyAttemptsError if the attempt comes too early, OperatorError if the e-mail or the password is wrong: the text and
    the time are the same for an unknown e-mail.
    """
    email = email.strip().lower()[:254]
    take_attempt(rt, email, address, device)
    with rt.database.read() as session:
        user = session.execute(
            select(User.id, User.password_hash).where(User.email == email, User.is_active.is_(True))
        ).first()
    with hashing():
        # Computed either way, so that its time does not show who has an account.
        is_right = verify_password(user.password_hash if user else _dummy_hash(), password)
    if user is None or not is_right:
        _record_failure(rt, user.id if user else None, now)
        raise OperatorError(WRONG)
    forget_attempts(rt, email, device)
    count_outcome(rt, "signed_in")
    with rt.database.write() as session:
        row = session.get_one(User, user.id)
        row.last_sign_in_at = now
        record_audit(session, now, row.email, AuditAction.SIGN_IN, "user", row.id)
        return _signed_in_user(row)


@retry_conflicts
def record_sign_out(rt: Runtime, user: SignedInUser, now: datetime) -> None:
    """Note that a user signed out."""
    with rt.database.write() as session:
        record_audit(session, now, user.email, AuditAction.SIGN_OUT, "user", user.id)


@retry_conflicts
def _record_failure(rt: Runtime, user_id: int | None, now: datetime) -> None:
    """Count it, and note it in the audit if there is such a user: strangers cannot fill the audit with what they type."""
    count_outcome(rt, "failed")
    if user_id is not None:
        with rt.database.write() as session:
            record_audit(session, now, STRANGER, AuditAction.SIGN_IN_FAILED, "user", user_id)


@retry_conflicts
def change_password(rt: Runtime, person: SignedInUser, current: str | None, new: str, now: datetime) -> SignedInUser:
    """Set the user's own password and end every other session.

    `current` is not needed after a one-time password. Raises OperatorError if `current` is wrong, or the new password is the
    present one, too short or too long.
    """
    with rt.database.read() as session:
        stored = session.get_one(User, person.id).password_hash
    with hashing():
        if not person.must_change_password and not verify_password(stored, current or ""):
            raise OperatorError("current: that is not your password")
        if verify_password(stored, new):
            raise OperatorError("new: choose one that is not your present one")
        hashed = hash_password(new)
    with rt.database.write() as session:
        user = session.get_one(User, person.id)
        user.password_hash, user.must_change_password, user.session_key = hashed, False, new_token()
        record_audit(session, now, user.email, AuditAction.CHANGE_PASSWORD, "user", user.id)
        return _signed_in_user(user)


@cache
def _dummy_hash() -> str:
    """Verified for an unknown e-mail, so that the answer takes as long as for a known one. Made at first use: it takes 100 ms."""
    return hash_password("a password that nobody has")


def _signed_in_user(user: User) -> SignedInUser:
    return SignedInUser(user.id, user.email, user.name, user.role, user.session_key, user.must_change_password)
