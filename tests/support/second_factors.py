"""Users with second factors, and the codes that their authenticator apps show."""

from datetime import UTC, datetime, timedelta

import pyotp

from admin.auth.factors.enrollment import enroll_totp
from admin.auth.factors.totp import begin_totp
from jobs.core.runtime import Runtime
from models.crypto import new_token
from models.tables.user import Role, User

NOON = datetime(2026, 11, 27, 12, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=30)


def add_plain_user(rt: Runtime, role: Role = Role.MANAGER, email: str = "ana@example.com") -> int:
    """A user who has no second factor yet; their id."""
    with rt.database.write() as session:
        user = User(email=email, password_hash="-", role=role, session_key=new_token(), created_at=NOON)
        session.add(user)
        session.flush()
        return user.id


def code_at(secret: str, moment: datetime) -> str:
    """What the app shows."""
    return pyotp.TOTP(secret).at(moment)


def add_app(rt: Runtime, user_id: int, now: datetime = NOON) -> tuple[str, tuple[str, ...]]:
    """An authenticator app of a user, whose code of `now` is used by that: its secret, and the recovery codes."""
    secret = begin_totp(rt, user_id, now).secret
    return secret, enroll_totp(rt, user_id, code_at(secret, now), now)
