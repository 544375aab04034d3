"""Stores the users of the panel and the tokens of the API."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, word


class Role(StrEnum):
    """The role of a user or a token, from the least to the most rights."""

    VIEWER = "viewer"
    AGENT = "agent"
    MANAGER = "manager"
    ADMIN = "admin"


class User(Base):
    """A person who signs in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower case."""
    name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(word(Role, "role"))
    is_active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    """Whether the password was set by an admin and must be changed at the next sign-in."""
    session_key: Mapped[str] = mapped_column(String(64), unique=True)
    """Changes whenever the user's sessions are ended, so that a sign-in that began before fails (admin.auth.sessions)."""
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    """For chat-ops; E.164."""
    phone_verified_at: Mapped[datetime | None]
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    """Of version 0.1, like `locked_until`: attempts are counted in Redis (admin.auth.attempts)."""
    locked_until: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ApiToken(Base):
    """A bearer token; only its hash is stored."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role] = mapped_column(word(Role, "role"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
