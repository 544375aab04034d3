"""Who works with the panel and the API, and what they did."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db.base import Base, BigId, word

META = "meta"
"""The actor in the audit when Meta says something."""


class Role(StrEnum):
    """What a user or a token may do, from least to most."""

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
    """The password is a one-time one."""
    session_key: Mapped[str] = mapped_column(String(64), unique=True)
    """Changed with the password: every session that was signed in before ends."""
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    """For chat-ops; E.164."""
    phone_verified_at: Mapped[datetime | None]
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ApiToken(Base):
    """A bearer token; only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role] = mapped_column(word(Role, "role"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Audit(Base):
    """What was done, by whom, to what: appended, never changed."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object_type", "object_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(254))
    """An e-mail, `cli`, `token:<name>`, or the part of Hark that acted (`monitor`, `meta`)."""
    action: Mapped[str] = mapped_column(String(100))
    object_type: Mapped[str] = mapped_column(String(50))
    object_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def record_audit(
    session: Session, now: datetime, actor: str, action: str, object_type: str, object_id: object, **detail: Any
) -> None:
    """Append a line to the audit; `detail` holds no message text and no secret."""
    session.add(
        Audit(at=now, actor=actor, action=action, object_type=object_type, object_id=str(object_id), detail=detail)
    )
