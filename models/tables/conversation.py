"""The chat of a contact with a number of ours: the 24 h window, the messages, and the cases that agents hold."""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, BigId, word
from models.tables.contact import Contact
from models.tables.number import Number

WINDOW = timedelta(hours=24)
"""After a person's message, anything may be sent for this long; outside it only templates (meta-cloud-api.md 8)."""
IN_QUEUE = text("message.state IN ('queued', 'sending')")
"""Written out, not bound: a partial index serves only a condition that the planner can read."""


class Conversation(Base):
    """A contact and a number of ours."""

    __tablename__ = "conversation"
    __table_args__ = (
        Index("uq_conversation_pair", "contact_id", "number_id", unique=True),
        Index(
            "ix_conversation_handed",
            "handed_flow_id",
            sqlite_where=text("handed_flow_id IS NOT NULL"),
            postgresql_where=text("handed_flow_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"))
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"), index=True)
    last_inbound_at: Mapped[datetime | None]
    """By Meta's time, not by arrival."""
    last_message_at: Mapped[datetime | None] = mapped_column(index=True)
    answering_by: Mapped[str | None] = mapped_column(String(64))
    """Who is answering this contact now: one at a time, in order."""
    answering_until: Mapped[datetime | None]
    handed_flow_id: Mapped[int | None] = mapped_column(ForeignKey("flow.id"))
    """An agent handed the conversation to this bot flow; it begins with the next answer job."""
    created_at: Mapped[datetime]

    contact: Mapped[Contact] = relationship()
    number: Mapped[Number] = relationship()


class Direction(StrEnum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"


class MessageState(StrEnum):
    """What became of a message of ours; an inbound one is `received`."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNSURE = "unsure"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"


class Message(Base):
    """One message of a chat that is not a campaign's: what people write, what bots and agents answer."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("(direction = 'in') = (state = 'received')", name="inbound_is_received"),
        Index("uq_message_wamid", "wamid", unique=True),
        Index("ix_message_chat", "conversation_id", "at", "id"),
        Index(
            "ix_message_unhandled",
            "conversation_id",
            "at",
            "id",
            sqlite_where=text("direction = 'in' AND handled_at IS NULL"),
            postgresql_where=text("direction = 'in' AND handled_at IS NULL"),
        ),
        Index(
            "ix_message_queue",
            "conversation_id",
            "due_at",
            "id",
            sqlite_where=text("state IN ('queued', 'sending')"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        Index(
            "ix_message_lane",
            "lane_id",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        Index(
            "ix_message_session",
            "session_id",
            sqlite_where=text("session_id IS NOT NULL"),
            postgresql_where=text("session_id IS NOT NULL"),
        ),
        # A purged message's id is never given again: it stands in what Meta says of it later.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversation.id"))
    direction: Mapped[Direction] = mapped_column(word(Direction, "direction"))
    state: Mapped[MessageState] = mapped_column(word(MessageState, "state"))
    type: Mapped[str] = mapped_column(String(32))
    body: Mapped[str | None] = mapped_column(Text)
    """The text that a person reads: of a button its title, of a picture its caption."""
    payload: Mapped[dict[str, Any] | None]
    """Inbound: Meta's message object; outbound: the Graph body without its envelope."""
    at: Mapped[datetime]
    """Meta's time of an inbound message; the moment an outbound one was made."""
    wamid: Mapped[str | None] = mapped_column(String(300))
    context_wamid: Mapped[str | None] = mapped_column(String(300))
    button_payload: Mapped[str | None] = mapped_column(String(300))
    recipient_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("recipient.id"), index=True)
    """The recipient whose campaign this answers."""
    session_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("flow_session.id"))
    author: Mapped[str | None] = mapped_column(String(254))
    """Who wrote an outbound one: `bot` or an agent's e-mail."""
    route: Mapped[str | None] = mapped_column(String(40))
    route_reason: Mapped[str | None] = mapped_column(Text)
    handled_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    lane_id: Mapped[int | None] = mapped_column(BigId)
    """Without a foreign key, as with recipients: lanes go a day after they ended."""
    due_at: Mapped[datetime | None]
    error_code: Mapped[int | None]
    error_msg: Mapped[str | None] = mapped_column(Text)
    accepted_at: Mapped[datetime | None]
    unsure_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()


class PurgedWamid(Base):
    """The hash of a purged inbound message's id, kept 8 days, since Meta retries for up to seven."""

    __tablename__ = "purged_wamid"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class CaseStatus(StrEnum):
    """Where a case stands; all but RESOLVED keep the contact out of campaigns and bots."""

    WAITING = "waiting"
    ATTENDING = "attending"
    IDLE = "idle"
    RESOLVED = "resolved"


class Case(Base):
    """A conversation in the hands of a human agent; open until closed."""

    __tablename__ = "case"
    __table_args__ = (
        CheckConstraint("(status = 'resolved') = (closed_at IS NOT NULL)", name="closed_when_resolved"),
        Index(
            "uq_case_open",
            "contact_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    number_id: Mapped[int | None] = mapped_column(ForeignKey("number.id"))
    status: Mapped[CaseStatus] = mapped_column(word(CaseStatus, "status"), default=CaseStatus.WAITING)
    reason: Mapped[str] = mapped_column(String(300), default="")
    opened_by: Mapped[str] = mapped_column(String(254))
    agent: Mapped[str | None] = mapped_column(String(254))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(254))

    contact: Mapped[Contact] = relationship()


def wamid_hash(wamid: str) -> str:
    """Under which a purged message's id is remembered."""
    return sha256(wamid.encode()).hexdigest()
