"""Stores bot flows with their versions, the sessions of contacts in them, funnel steps, and timers and calls of sessions."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, BigId, word

OPEN_ACTION = text("action.state IN ('pending', 'claimed')")
"""Written out, not bound: a partial index serves only a condition that the planner can read."""


class Flow(Base):
    """A bot flow; its content is in its versions."""

    __tablename__ = "flow"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    version: Mapped[int]
    """The number of the newest version, with which new sessions start."""
    is_fallback: Mapped[bool] = mapped_column(default=False)
    """Whether it answers messages that no other rule routes."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    versions: Mapped[list["FlowVersion"]] = relationship(back_populates="flow", order_by="FlowVersion.version")


class FlowVersion(Base):
    """One loaded version of a flow, never changed; a session keeps the version that it started with."""

    __tablename__ = "flow_version"
    __table_args__ = (Index("uq_flow_version_number", "flow_id", "version", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    flow_id: Mapped[int] = mapped_column(ForeignKey("flow.id"))
    version: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    definition: Mapped[dict[str, Any]]
    checksum: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime]

    flow: Mapped[Flow] = relationship(back_populates="versions")


class SessionStatus(StrEnum):
    """The state of a session."""

    ACTIVE = "active"
    ENDED = "ended"


class FlowSession(Base):
    """The session of one contact in one version of one bot flow; saved by compare-and-set on `version`."""

    __tablename__ = "flow_session"
    __table_args__ = (
        Index(
            "uq_flow_session_live",
            "contact_id",
            "number_id",
            unique=True,
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"))
    flow_version_id: Mapped[int] = mapped_column(ForeignKey("flow_version.id"))
    recipient_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("recipient.id"), index=True)
    status: Mapped[SessionStatus] = mapped_column(
        word(SessionStatus, "status", grows=True), default=SessionStatus.ACTIVE
    )
    state: Mapped[dict[str, Any]]
    """`bot.flows.session.FlowState` as JSON."""
    version: Mapped[int] = mapped_column(default=1)
    ended_reason: Mapped[str | None] = mapped_column(String(100))
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    flow_version: Mapped[FlowVersion] = relationship()


class FunnelStep(Base):
    """The first time that a recipient passed a step of the funnel."""

    __tablename__ = "funnel_step"
    __table_args__ = (Index("uq_funnel_step_first", "recipient_id", "step", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    recipient_id: Mapped[int] = mapped_column(BigId, ForeignKey("recipient.id"))
    step: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class ActionState(StrEnum):
    """The state of an action."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ActionKind(StrEnum):
    """What a flow can wait for; the result is an event of the session."""

    TIMER = "timer"
    HTTP = "http"
    EXTERNAL = "external"


class Action(Base):
    """A timer or a call that a flow session waits for."""

    __tablename__ = "action"
    __table_args__ = (
        Index(
            "ix_action_due",
            "due_at",
            sqlite_where=text("state IN ('pending', 'claimed')"),
            postgresql_where=text("state IN ('pending', 'claimed')"),
        ),
        Index(
            "ix_action_after",
            "after_message_id",
            sqlite_where=text("after_message_id IS NOT NULL"),
            postgresql_where=text("after_message_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    session_id: Mapped[int] = mapped_column(BigId, ForeignKey("flow_session.id"), index=True)
    kind: Mapped[ActionKind] = mapped_column(word(ActionKind, "kind", grows=True))
    state: Mapped[ActionState] = mapped_column(word(ActionState, "state", grows=True), default=ActionState.PENDING)
    payload: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    after_message_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("message.id"))
    """The timer starts once Meta accepted this message."""
    due_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
