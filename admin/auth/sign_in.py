"""Signs users in with e-mail and password, and locks an account or a client address after repeated failures.

The browser's session is in `admin.auth.web_security`.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from redis.exceptions import RedisError
from sqlalchemy import case, or_, select, update

from admin.auth.passwords import hash_password, verify_password
from jobs.core.runtime import Runtime
from models.crypto import new_token
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.user import Role, User

log = logging.getLogger("hark.sign_in")

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
MAX_PER_ADDRESS = 50
"""Failures from one client address within LOCKED_FOR, over all accounts."""
WRONG = "The e-mail or the password is not right."
LOCKED = f"Too many attempts. Wait {int(LOCKED_FOR.total_seconds() // 60)} minutes, then try again."


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


def sign_in(rt: Runtime, email: str, password: str, address: str, now: datetime) -> SignedInUser:
    """Sign a user in. Raises OperatorError if the e-mail or the password is wrong, or the account or the address is locked.

    The text is the same for an unknown e-mail and a wrong password. The attempt is counted before the password is verified, so
    that concurrent attempts count too.
    """
    email = email.strip().lower()[:254]
    _limit_address(rt, address)
    with rt.database.write() as session:
        user = session.execute(
            update(User)
            .where(
                User.email == email,
                User.is_active.is_(True),
                or_(User.locked_until.is_(None), User.locked_until <= now),
            )
            .values(
                # After a lock has expired, the user has all attempts again, not one.
                failed_sign_ins=case((User.failed_sign_ins >= MAX_FAILURES, 1), else_=User.failed_sign_ins + 1),
                locked_until=case((User.failed_sign_ins == MAX_FAILURES - 1, now + LOCKED_FOR), else_=None),
            )
            .returning(User.id, User.password_hash)
            .execution_options(synchronize_session=False)
        ).first()
        is_locked = user is None and session.scalar(select(User.id).where(User.email == email, User.locked_until > now))
    dummy_hash = _dummy_hash()  # computed either way, so that its time does not show who has an account
    is_right = verify_password(user.password_hash if user else dummy_hash, password)
    if is_locked:
        raise OperatorError(LOCKED)
    if user is None or not is_right:
        _count_failure(rt, address)
        raise OperatorError(WRONG)
    with rt.database.write() as session:
        row = session.get_one(User, user.id)
        row.failed_sign_ins, row.locked_until, row.last_sign_in_at = 0, None, now
        record_audit(session, now, row.email, AuditAction.SIGN_IN, "user", row.id)
        return _signed_in_user(row)


def change_password(rt: Runtime, person: SignedInUser, current: str | None, new: str, now: datetime) -> SignedInUser:
    """Set the user's own password and end every other session.

    `current` is not needed after a one-time password. Raises OperatorError if `current` is wrong, or the new password is the
    present one, too short or too long.
    """
    with rt.database.read() as session:
        stored = session.get_one(User, person.id).password_hash
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


def _limit_address(rt: Runtime, address: str) -> None:
    """Raise OperatorError if too many sign-ins from this address failed: one password tried on many accounts.

    If Redis cannot be reached, only the lock of each account applies.
    """
    try:
        failures = int(rt.redis.get(_address_key(address)) or 0)
    except RedisError as error:
        log.warning("sign-ins of one address are not limited: %s", type(error).__name__)
        return
    if failures >= MAX_PER_ADDRESS:
        raise OperatorError(LOCKED)


def _count_failure(rt: Runtime, address: str) -> None:
    try:
        pipeline = rt.redis.pipeline()
        pipeline.incr(_address_key(address))
        pipeline.expire(_address_key(address), int(LOCKED_FOR.total_seconds()))
        pipeline.execute()
    except RedisError as error:
        log.warning("a failed sign-in was not counted for its address: %s", type(error).__name__)


def _address_key(address: str) -> str:
    return f"hark:sign-in:{hashlib.sha256(address.encode()).hexdigest()[:32]}"
