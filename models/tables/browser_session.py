"""Stores the sessions of browsers: who is signed in, where, since when, and how a session ended."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db.base import Base, BigId, word
from models.db.dialect import NO_SYNC


class SignInMethod(StrEnum):
    """The way in which a user signed in, or confirmed that it is them."""

    PASSWORD = "password"  # noqa: S105 - a way to sign in, no password
    TOTP = "totp"
    """By a code of the authenticator app, after the first step."""
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"
    SINGLE_SIGN_ON = "single_sign_on"
    """By the provider, also where a second factor of Hark's own followed."""
    SINGLE_SIGN_ON_MFA = "single_sign_on_mfa"
    """By the provider, which said that it asked for several factors."""


BY_PROVIDER = frozenset({SignInMethod.SINGLE_SIGN_ON, SignInMethod.SINGLE_SIGN_ON_MFA})
"""The methods of single sign-on."""


class EndReason(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    ENDED_BY_USER = "ended_by_user"
    """From the list of one's own sessions."""
    ENDED_BY_ADMIN = "ended_by_admin"
    REPLACED = "replaced"
    """Somebody signed in again in the same browser."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, no password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a reason, no password
    ROLE_CHANGED = "role_changed"
    FACTOR_ADDED = "factor_added"
    FACTORS_RESET = "factors_reset"
    DEACTIVATED = "deactivated"
    IDLE = "idle"
    TOO_OLD = "too_old"
    RESTORED = "restored"
    """The database was put back from a copy."""


class BrowserSession(Base):
    """A user in one browser. The browser keeps a random token, of which only the hash is stored."""

    __tablename__ = "browser_session"
    __table_args__ = (
        Index("uq_browser_session_token_hash", "token_hash", unique=True),
        Index("ix_browser_session_user_id", "user_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    method: Mapped[SignInMethod] = mapped_column(word(SignInMethod, "method", grows=True))
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(100))
    """Readable, such as `Firefox on Linux`."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    """Up to a minute late: it is not written at every request."""
    signed_in_at: Mapped[datetime | None]
    """None while a step of the sign-in is missing: such a session opens no page."""
    confirmed_at: Mapped[datetime | None]
    """When the user last proved that it is them: by signing in, or when they were asked again."""
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None] = mapped_column(word(EndReason, "end_reason", grows=True))


def end_sessions(session: Session, now: datetime, reason: EndReason, *conditions: Any) -> int:
    """End the sessions that match every condition and have not ended yet. Returns how many: two at once do not end one twice."""
    result: Any = session.execute(
        update(BrowserSession)
        .where(BrowserSession.ended_at.is_(None), *conditions)
        .values(ended_at=now, end_reason=reason),
        execution_options=NO_SYNC,
    )
    return int(result.rowcount)
